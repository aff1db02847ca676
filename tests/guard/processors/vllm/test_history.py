"""What the device says about slots."""

from __future__ import annotations

import torch

from guard.processors.vllm.history import History, on_device
from tests.guard.processors.vllm.runner import Runner


def test_the_last_tokens_outcomes_and_drafts_of_each_slot_are_told() -> None:
    states = Runner.states(4, 16)
    states.all_token_ids.gpu[2, :5] = torch.tensor([11, 12, 13, 14, 15])
    states.total_len.gpu[2] = 5
    states.all_token_ids.gpu[0, :1] = 21
    states.total_len.gpu[0] = 1
    states.prefill_len.np[2] = 4
    history = History(states, 3)
    history.outcome[2] = torch.tensor([0, 1, 0])
    answer = history.ask([2, 0], [2])
    # What comes later is not part of the answer.
    states.all_token_ids.gpu[2, 4] = 99
    (second, first), texts = answer.read()
    assert (second.total, second.last, second.suppressed, second.drafts) == (5, [13, 14, 15], [0, 1, 0], [])
    assert first.total == 1
    assert first.last[-1] == 21
    assert texts == [[11, 12, 13, 14]]
    history.drafts = torch.tensor([[7, 8], [0, 0], [5, -1], [0, 0]])
    (told,), _ = history.ask([2]).read()
    assert told.drafts == [5, -1]
    assert told.last == [13, 14, 99]


def test_a_tensor_on_the_host_stays_what_it_is() -> None:
    tensor = torch.ones(3)
    assert on_device(tensor, torch.device("cpu")) is tensor
