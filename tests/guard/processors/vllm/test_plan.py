"""A plan holds each edit at the line of its row."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from guard.decoding.edits import Edits
from guard.processors.vllm.plan import Plan, parts_of

SLOTS, WIDTH = 5, 3
SETS = st.dictionaries(st.integers(0, SLOTS - 1), st.lists(st.integers(0, 40), max_size=6))


def edits(hard: dict[int, list[int]], soft: dict[int, list[int]]) -> Edits:
    """Return edits that ban `hard` and penalise each id of `soft` by itself and a half."""

    def pairs(found: dict[int, list[int]]) -> np.ndarray:
        return np.array([(slot, token) for slot, ids in found.items() for token in ids], np.int64).reshape(-1, 2).T

    some = pairs(soft)
    none = np.empty(0, np.int64)
    return Edits(pairs(hard), some, some[1].astype(np.float32) + np.float32(0.5), none, none)


@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=WIDTH))
def test_each_line_has_its_own(drawn: list[tuple[dict[int, list[int]], dict[int, list[int]]]]) -> None:
    flags = np.arange(SLOTS * WIDTH, dtype=np.int32).reshape(SLOTS, WIDTH)
    packed, lengths = Plan.of([edits(hard, soft) for hard, soft in drawn], flags, flags + 100).packed()
    assert packed.dtype == np.int32
    kept, fed, hard_start, soft_start, hard, soft, penalties = parts_of(torch.from_numpy(packed), lengths)
    assert kept.tolist() == flags.reshape(-1).tolist()
    assert fed.tolist() == (flags + 100).reshape(-1).tolist()
    for slot in range(SLOTS):
        for at in range(WIDTH):
            line = slot * WIDTH + at
            wanted = drawn[at] if at < len(drawn) else ({}, {})
            assert hard[hard_start[line] : hard_start[line + 1]].tolist() == wanted[0].get(slot, [])
            here = slice(int(soft_start[line]), int(soft_start[line + 1]))
            assert soft[here].tolist() == wanted[1].get(slot, [])
            assert penalties[here].view(torch.float32).tolist() == [token + 0.5 for token in wanted[1].get(slot, [])]
