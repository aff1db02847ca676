"""The processor against vLLM's own contract: its real base class, batch updates and sampling parameters, without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast
from vllm.sampling_params import StructuredOutputsParams
from vllm.v1.sample.logits_processor import MoveDirectionality

from guard.errors import ArgumentError
from guard.phrase import Phrase
from guard.processors.vllm.v1 import V1LogitsProcessor
from tests.guard.processors.vllm.conftest import (
    DEAD_END,
    END,
    WIDTH,
    ids_completing,
    minus_infinity,
    params,
    stored,
    update,
)


def test_an_unrestricted_batch_is_left_alone(processor: V1LogitsProcessor) -> None:
    processor.update_state(update(2, added=[(0, params([]), [5], []), (1, params([]), [5], [])]))
    logits = torch.randn(2, WIDTH)
    before = logits.clone()
    assert torch.equal(processor.apply(logits), before)


def test_only_what_completes_a_phrase_is_banned(
    processor: V1LogitsProcessor, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("Mad Hatter"))
    prompt = tokenizer.encode("<|bos|>the Mad", add_special_tokens=False)
    output: list[int] = []
    processor.update_state(update(2, added=[(0, params([]), prompt, []), (1, params([digest]), prompt, output)]))
    logits = processor.apply(torch.zeros(2, WIDTH))
    assert minus_infinity(logits, 0) == set()
    assert minus_infinity(logits, 1) == ids_completing(tokenizer, "the Mad", "Mad Hatter") | {DEAD_END}
    output += tokenizer.encode(" Hat", add_special_tokens=False)
    processor.update_state(None)
    assert minus_infinity(processor.apply(torch.zeros(2, WIDTH)), 1) >= ids_completing(tokenizer, "the Mad Hat", "Mad Hatter")


def test_rows_follow_requests_that_leave_move_and_swap(processor: V1LogitsProcessor, tmp_path: Path) -> None:
    names = ["tea", "hare", "hatter", "march"]
    digests = [stored(tmp_path, Phrase(name, match="substring")) for name in names]

    def fresh() -> list[set[int]]:
        logits = processor.apply(torch.zeros(4, WIDTH))
        return [minus_infinity(logits, row) for row in range(4)]

    added = [(row, params([digest]), [3], []) for row, digest in enumerate(digests)]
    processor.update_state(update(4, added=added))
    first = fresh()
    assert len({frozenset(row) for row in first}) == 4
    processor.update_state(update(4, moved=[(0, 3, MoveDirectionality.SWAP)]))
    assert fresh() == [first[3], first[1], first[2], first[0]]
    processor.update_state(update(3, removed=[1], moved=[(3, 1, MoveDirectionality.UNIDIRECTIONAL)]))
    assert fresh() == [first[3], first[0], first[2], set()]
    processor.update_state(update(3, added=[(2, params([]), [3], [])]))
    assert fresh() == [first[3], first[0], set(), set()]
    processor.update_state(update(0, removed=[2, 1, 0]))
    assert fresh() == [set()] * 4


@pytest.mark.parametrize("guard", [None, {"a": 1}, ["refuse"], ["0" * 64]])
def test_a_closed_request_says_nothing(processor: V1LogitsProcessor, guard: Any) -> None:
    processor.update_state(update(2, added=[(0, params(guard), [3], []), (1, params([]), [3], [])]))
    logits = processor.apply(torch.randn(2, WIDTH))
    assert minus_infinity(logits, 0) == set(range(WIDTH)) - {DEAD_END}


def test_a_closed_request_leaves_the_others_alone(processor: V1LogitsProcessor) -> None:
    processor.update_state(update(2, added=[(0, params(["refuse"]), [3], []), (1, params([]), [3], [])]))
    logits = torch.randn(2, WIDTH)
    assert torch.equal(processor.apply(logits.clone())[1], logits[1])


def test_vllm_s_front_end_refuses_what_is_malformed() -> None:
    with pytest.raises(ArgumentError):
        V1LogitsProcessor.validate_params(params(["not a digest"]))


def test_a_penalty_is_subtracted_once(processor: V1LogitsProcessor, tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    soft = [stored(tmp_path, Phrase("tea", penalty=p)) for p in (2.0, 3.0)]
    processor.update_state(update(1, added=[(0, params(soft), [1], [])]))
    logits = processor.apply(torch.ones(1, WIDTH))
    expected = ids_completing(tokenizer, "", "tea")
    assert expected
    assert set(torch.nonzero(logits[0] != 1).flatten().tolist()) == expected | {DEAD_END}
    assert all(logits[0, token] == -2 for token in expected)


def test_a_row_with_nothing_left_ends(processor: V1LogitsProcessor, tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """ops-03: the row ends with the dead end, not with token 0."""
    digest = stored(tmp_path, Phrase("tea"))
    banned = sorted(ids_completing(tokenizer, "", "tea"))
    choice = StructuredOutputsParams(choice=["tea"])
    processor.update_state(update(1, added=[(0, params([digest], structured_outputs=choice), [1], [])]))
    only_tea = torch.full((1, WIDTH), -torch.inf)
    only_tea[0, banned] = 1.0
    logits = processor.apply(only_tea.clone())
    assert logits[0].argmax() == 0
    assert minus_infinity(logits, 0) == set(range(WIDTH)) - {0}
    only_tea[0, 17] = -3.0
    assert processor.apply(only_tea)[0].argmax() == 17


def leaving(row: Iterable[int]) -> torch.Tensor:
    """Logits of one row in which vLLM left only these tokens, the dead end likeliest of them."""
    logits = torch.full((1, WIDTH), -torch.inf)
    for token in row:
        logits[0, token] = 9.0 if token == DEAD_END else 1.0
    return logits


@pytest.mark.parametrize(
    ("how", "allowed", "sampled"),
    [
        # The model itself holds the dead end likeliest.
        ({}, range(WIDTH), False),
        # The end of a grammar: every stop token is legal there.
        ({"structured_outputs": StructuredOutputsParams(choice=["x"])}, {DEAD_END, END}, False),
        # vLLM's minimum length has masked the end, as `bad_words` can.
        ({"structured_outputs": StructuredOutputsParams(choice=["x"]), "min_tokens": 5}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END]}, {DEAD_END}, True),
        ({"allowed_token_ids": [DEAD_END, 17]}, {DEAD_END, 17}, False),
        ({"bad_words": ["x"]}, set(), False),
        ({"ignore_eos": True}, range(WIDTH), False),
    ],
)
def test_the_dead_end_is_sampled_only_if_the_guard_chose_it(
    processor: V1LogitsProcessor, tmp_path: Path, how: dict[str, Any], allowed: Iterable[int], sampled: bool
) -> None:
    digest = stored(tmp_path, Phrase("qqq"))
    processor.update_state(update(1, added=[(0, params([digest], stop_token_ids=[DEAD_END], **how), [1], [])]))
    logits = processor.apply(leaving(allowed))
    assert (logits[0, DEAD_END] > -torch.inf) == sampled
    assert minus_infinity(logits, 0) >= set(range(WIDTH)) - {*allowed}


def test_every_row_that_is_held_keeps_its_dead_end_closed_as_rows_come_and_go(
    processor: V1LogitsProcessor, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("tea"))

    def closed(size: int) -> list[bool]:
        return torch.isneginf(processor.apply(torch.zeros(size, WIDTH))[:, DEAD_END]).tolist()

    held, free, refused = params([digest]), params([]), params(["refuse"])
    processor.update_state(update(3, added=[(0, free, [1], []), (1, held, [1], []), (2, refused, [1], [])]))
    assert closed(3) == [False, True, False]
    processor.update_state(update(3, moved=[(0, 1, MoveDirectionality.SWAP)]))
    assert closed(3) == [True, False, False]
    processor.update_state(update(2, removed=[0], moved=[(2, 0, MoveDirectionality.UNIDIRECTIONAL)]))
    assert closed(2) == [False, False]
    processor.update_state(update(2, added=[(1, held, [1], [])]))
    assert closed(2) == [False, True]


def test_a_dead_end_that_is_the_model_s_own_end_stays_possible(
    tokenizer: PreTrainedTokenizerFast, settings: Any, tmp_path: Path
) -> None:
    ends = list(range(len(tokenizer.all_special_ids)))
    settings.model_config.try_get_generation_config = lambda: {"eos_token_id": ends}
    processor = V1LogitsProcessor(settings, torch.device("cpu"), False)
    digest = stored(tmp_path, Phrase("tea"))
    processor.update_state(update(1, added=[(0, params([digest]), [1], [])]))
    assert not torch.isneginf(processor.apply(torch.zeros(1, WIDTH))[0, ends]).any()
