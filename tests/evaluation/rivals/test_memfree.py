from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.rivals.memfree import MemFree

IDS = st.lists(st.integers(0, 4), max_size=12)


def banned(memfree: MemFree, ids: list[int], width: int = 5) -> set[int]:
    scores = memfree(torch.tensor([ids], dtype=torch.long).reshape(1, -1), torch.zeros(1, width))  # type: ignore[arg-type]
    return {token for token in range(width) if scores[0, token] == -torch.inf}


def test_a_token_that_would_complete_a_run_is_banned() -> None:
    memfree = MemFree([[1, 2, 3, 4], [2, 3, 0]], length=3)
    assert banned(memfree, [0, 1, 2]) == {3}
    assert banned(memfree, [0, 2, 3]) == {0, 4}
    assert banned(memfree, [3, 2]) == set()
    assert banned(memfree, [1]) == set()
    with pytest.raises(ValueError, match="at least one token"):
        MemFree([], length=0)


@given(st.lists(IDS, max_size=3), IDS, st.integers(1, 4))
def test_no_more_and_no_less_than_the_definition(texts: list[list[int]], ids: list[int], length: int) -> None:
    runs = {tuple(text[at : at + length]) for text in texts for at in range(len(text) - length + 1)}
    memfree = MemFree(texts, length)
    for end in range(len(ids) + 1):
        before = ids[:end]
        expected = {token for token in range(5) if len(before) >= length - 1 and tuple([*before, token][-length:]) in runs}
        assert banned(memfree, before) == expected
    whole = any(banned(memfree, ids[:end]) for end in range(len(ids)))
    assert memfree.concerns(ids) == whole


def test_rows_are_apart_and_the_scores_are_a_copy() -> None:
    memfree, scores = MemFree([[1, 2]], length=2), torch.zeros(2, 4)
    found = memfree(torch.tensor([[1], [3]]), scores)  # type: ignore[arg-type]
    assert torch.isneginf(found).nonzero().tolist() == [[0, 2]]
    assert not scores.any()
