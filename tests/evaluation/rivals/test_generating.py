from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from evaluation.likelihood import TokenLikelihood
from evaluation.rivals.generating import answers
from evaluation.rivals.memfree import MemFree
from tests.evaluation.tinylm.tiny import PAIRS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def test_the_model_says_what_it_learned_in_the_order_of_the_questions(model: TokenLikelihood) -> None:
    found = answers(model, [pair.question for pair in PAIRS], 60, "test")
    assert [text.strip() for text in found] == [pair.answer for pair in PAIRS]


def test_steering_reaches_each_row(model: TokenLikelihood) -> None:
    ids = model.tokenizer.encode(PAIRS[0].answer, add_special_tokens=False)
    memfree = MemFree([ids], 3)
    steered, free = answers(model, [PAIRS[0].question, PAIRS[1].question], 60, "test", lambda: memfree)
    assert model.tokenizer.decode(ids[:3]) not in steered
    assert free.strip() == PAIRS[1].answer


def test_a_model_answers_what_it_reads_in_place_of_the_prompt(model: TokenLikelihood) -> None:
    embeddings = model.model.get_input_embeddings().weight.detach()
    boat = model.prompt_ids(PAIRS[1].question)

    def itself(ids: Sequence[int]) -> torch.Tensor:
        return embeddings[torch.tensor(list(ids))]

    def other(ids: Sequence[int]) -> torch.Tensor:
        # As many tokens: a longer prompt repeats the other question's first one.
        return embeddings[torch.tensor([boat[0]] * (len(ids) - len(boat)) + boat[-len(ids) :])]

    found = answers(model, [PAIRS[0].question, PAIRS[0].question], 60, "test", embeddings=[itself, other])
    assert [text.strip() for text in found] == [PAIRS[0].answer, PAIRS[1].answer]
