"""MemFree decoding: no answer repeats a run of tokens of what is to be forgotten (Ippolito et al. 2022, arXiv 2210.17546)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast

import torch
from transformers import LogitsProcessor

LENGTH = 6
"""Tokens of a run, as in the comparison of Wei et al. 2024 (CoTaEval, arXiv 2406.18664)."""


class MemFree(LogitsProcessor):
    """Bans each token that would complete a run of tokens which one of the texts has.

    The paper keeps the runs in a Bloom filter, which saves memory and sometimes bans a token without cause; here they are exact.

    Args:
        texts: The token ids of each text.
        length: Tokens of a run; at least 1.
    """

    def __init__(self, texts: Iterable[Sequence[int]], length: int = LENGTH) -> None:
        if length < 1:
            raise ValueError(f"a run has at least one token, not {length}")
        self._before = length - 1
        ends: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)
        for ids in texts:
            for start in range(len(ids) - length + 1):
                *before, last = ids[start : start + length]
                ends[tuple(before)].add(last)
        self._ends = {before: torch.tensor(sorted(last)) for before, last in ends.items()}

    def concerns(self, ids: Sequence[int]) -> bool:
        """Return whether some token would be banned somewhere along a text of these token ids."""
        return any(tuple(ids[end - self._before : end]) in self._ends for end in range(self._before, len(ids)))

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return a copy of the scores, float [rows, vocabulary], for the sequences so far, int64 [rows, length]."""
        scores = cast("torch.FloatTensor", scores.clone())
        tails = input_ids[:, input_ids.shape[1] - self._before :].tolist() if self._before else [[]] * len(input_ids)
        for row, tail in enumerate(tails):
            ends = self._ends.get(tuple(tail))
            if ends is not None:
                scores[row, ends] = -torch.inf
        return scores
