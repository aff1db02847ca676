"""The guard as a logits processor of transformers' `generate`, for greedy search, sampling, beam search and assisted decoding.

    processor = GuardLogitsProcessor(masks, dead_end=tokenizer.pad_token_id, pad=tokenizer.pad_token_id)
    model.generate(**inputs, logits_processor=[processor], num_beams=7)

Written against transformers 5.19 (`transformers.LogitsProcessor`).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import LogitsProcessor

from guard.ban import Ban
from guard.decoding.cursor import Cursor
from guard.decoding.edits import Edits
from guard.decoding.masks import Masks
from guard.decoding.row import Row

# Finite, so that a row without any other token can sample it. Low, so that a beam search prefers every beam without a dead end.
# Within the range of float16.
DEAD_END_LOGIT = -1e4

Key = tuple[int, bytes]
Ids = NDArray[np.int64]


class _Beam(Row):
    """A row whose cursors the processor carries from step to step."""

    def __init__(self, masks: Sequence[Masks], cursors: list[Cursor]) -> None:
        super().__init__((), (), ())
        self.masks = masks
        self.cursors = cursors

    def bans(self) -> list[Ban]:
        return [ban for cursor in self.cursors for ban in cursor.bans()]

    def fork(self) -> _Beam:
        """Return a copy of the state of the sequence. The masks are large, so both share them."""
        shared = {id(part): part for masks in self.masks for part in (masks, *vars(masks).values())}
        return _Beam(self.masks, copy.deepcopy(self.cursors, shared))


class GuardLogitsProcessor(LogitsProcessor):
    """Keeps each sequence of a `generate` call from saying what its restrictions name.

    Beam search moves rows, so the processor identifies a row by its ids. It stores the state of each sequence under its ids, and
    the next step finds the state there, whichever row continues the sequence. If it finds none, it reads the sequence again from
    the prompt. The first call shows where the prompt ends: in the prompt, special tokens separate texts; after it, they add
    nothing. A sequence that is longer than any before and continues none of them begins another `generate` call. If the prompt of
    a second call continues the text of the first call, call `reset()` between them or use a new processor.
    """

    def __init__(self, masks: Sequence[Masks] | Sequence[Sequence[Masks]], dead_end: int, *, pad: int | None = None) -> None:
        """Restrict the sequences of one `generate` call.

        Args:
            masks: The masks of the restrictions for all rows, or one sequence of masks per prompt of the batch. All rows that
                `generate` makes of one prompt (beams, several return sequences) share them.
            dead_end: The id that a row gets if it has no other token left. Pass it to `generate` in `eos_token_id`, so that the
                row ends there. The model may end a row with it too (often it is the end of sequence), so it does not show why
                a row ended.
            pad: The id with which prompts are padded on the left, because `generate` does not tell it from text. It is not
                needed if it is a special token.
        """
        self._masks = _by_prompt(masks)
        self._dead_end = dead_end
        self._pad = pad
        self.reset()

    def reset(self) -> None:
        """Forget all sequences, so that the next call begins another `generate` call."""
        self._prompt_length = 0
        self._longest = 0
        self._prompts: set[Key] = set()
        self._states: dict[Key, _Beam] = {}

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return a copy of the scores in which the tokens that must not come next are banned or penalised.

        A row that has no other token left gets the dead-end token, so no row is all -inf. The width of the scores may differ from
        the number of the tokenizer's ids.

        Args:
            input_ids: int64 [rows, length], the sequences so far.
            scores: float [rows, vocabulary].

        Raises:
            ValueError: The number of rows is not a multiple of the number of prompts, or the dead-end token has no score.
        """
        count, width = scores.shape
        if count % len(self._masks):
            raise ValueError(
                f"the number of rows, {count}, must be a multiple of the number of prompts in `masks`, {len(self._masks)}"
            )
        if not 0 <= self._dead_end < width:
            raise ValueError(f"the dead-end token {self._dead_end} must be below the number of scores, {width}")
        ids = np.ascontiguousarray(input_ids.detach().cpu().numpy(), np.int64)
        edits = Edits.collect({position: beam.bans() for position, beam in self._advance(ids).items()}, [], [])
        scores = cast("torch.FloatTensor", scores.clone())
        banned = edits.banned[:, edits.banned[1] < width]
        scores.index_put_(_tensors(banned, scores), scores.new_tensor(-torch.inf))
        kept = edits.soft[1] < width
        penalties = torch.from_numpy(edits.penalties[kept]).to(scores)
        scores.index_put_(_tensors(edits.soft[:, kept], scores), -penalties, accumulate=True)
        dead = torch.isneginf(scores).all(dim=-1)
        scores[:, self._dead_end] = torch.where(dead, DEAD_END_LOGIT, scores[:, self._dead_end])
        return scores

    def _advance(self, ids: Ids) -> dict[int, _Beam]:
        """Return the state of each row that has restrictions, by position, and drop the states of earlier steps."""
        groups = np.arange(len(ids)) // (len(ids) // len(self._masks))
        rows = [(int(group), row) for group, row in zip(groups, ids, strict=True)]
        if not self._goes_on(rows, ids.shape[1]):
            self.reset()
            self._prompt_length = ids.shape[1]
            self._prompts = {(group, row.tobytes()) for group, row in rows}
        states: dict[Key, _Beam] = {}
        beams: dict[int, _Beam] = {}
        for position, (group, row) in enumerate(rows):
            if not self._masks[group]:
                continue
            key = (group, row.tobytes())
            if key not in states:
                states[key] = self._state(group, row)
            beams[position] = states[key]
        self._states = states
        self._longest = max(self._longest, ids.shape[1])
        return beams

    def _goes_on(self, rows: Sequence[tuple[int, Ids]], length: int) -> bool:
        """Return whether the rows continue sequences of earlier steps.

        In assisted decoding they may be shorter than before, when candidates of the assistant were not accepted.
        """
        if not self._prompt_length <= length <= self._longest + 1:
            return False
        return all((group, row[: self._prompt_length].tobytes()) in self._prompts for group, row in rows)

    def _state(self, group: int, row: Ids) -> _Beam:
        before = self._states.get((group, row[:-1].tobytes()))
        if before is not None:
            beam, new = before.fork(), row[-1:]
        else:
            prompt, new = row[: self._prompt_length], row[self._prompt_length :]
            if self._pad is not None:
                prompt = prompt[int(np.argmax(np.append(prompt != self._pad, True))) :]
            beam = _Beam(self._masks[group], [Cursor(masks, prompt.tolist()) for masks in self._masks[group]])
        for cursor in beam.cursors:
            cursor.extend(new.tolist())
        return beam


def _by_prompt(masks: Sequence[Masks] | Sequence[Sequence[Masks]]) -> list[list[Masks]]:
    if all(isinstance(item, Masks) for item in masks):
        return [[item for item in masks if isinstance(item, Masks)]]
    return [list(cast("Sequence[Masks]", item)) for item in masks]


def _tensors(pairs: Ids, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    rows, ids = torch.from_numpy(np.ascontiguousarray(pairs)).to(like.device)
    return rows, ids
