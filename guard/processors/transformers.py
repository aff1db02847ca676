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

# Finite, so that a row that has nothing else says it, and low, so that a beam search prefers every beam that has not ended so;
# within the range of float16.
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
        """Copy the state of the sequence; the masks, which are large and shared, stay as they are."""
        shared = {id(part): part for masks in self.masks for part in (masks, *vars(masks).values())}
        return _Beam(self.masks, copy.deepcopy(self.cursors, shared))


class GuardLogitsProcessor(LogitsProcessor):
    """Keeps each sequence of a `generate` call from saying what its restrictions name.

    `masks`: those of the restrictions that hold for every row, or one sequence of them for each prompt of the batch; the rows
    that `generate` makes of one prompt (beams, several return sequences) share them. `dead_end`: the id that a row gets which has
    nothing left to say; give it to `generate` among `eos_token_id`, so that the row ends there. It is not kept from the model,
    which may end with it too (often it is the end of sequence), so it does not tell why a row ended. `pad`: the id that fills up
    prompts on the left, which `generate` does not tell from text; not needed if it is a special token.

    Anchors' penalties are those of tokens that are whole words; words of several tokens need an encoder, which is not asked here.

    Rows are told apart by their ids, since beam search moves them: the state of each is kept under the ids that led to it, and
    the next step finds it there, whichever row goes on with it. What is not found is read again from the prompt. Where the
    prompt ends is learned from the first call: there, special tokens part texts from each other; behind it they add nothing.
    A sequence longer than the longest so far that nothing led to begins another `generate` call. Call `reset()` between two
    calls where the second prompt goes on with the first one's text, or take a new processor for each.
    """

    def __init__(self, masks: Sequence[Masks] | Sequence[Sequence[Masks]], dead_end: int, *, pad: int | None = None) -> None:
        self._masks = _by_prompt(masks)
        self._dead_end = dead_end
        self._pad = pad
        self.reset()

    def reset(self) -> None:
        """Forget all sequences: the next call is the first of another `generate`."""
        self._prompt_length = 0
        self._longest = 0
        self._prompts: set[Key] = set()
        self._states: dict[Key, _Beam] = {}

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return `scores` [rows, vocabulary] without what the sequences `input_ids` int64 [rows, length] must not go on with.

        The width of the scores and the number of the tokenizer's ids may differ. No row is left all -inf: one that has nothing
        else says the dead-end token. Raises ValueError if rows and prompts, or the dead-end token and the width, do not fit.
        """
        count, width = scores.shape
        if count % len(self._masks):
            raise ValueError(f"{count} rows cannot be shared by {len(self._masks)} prompts")
        if not 0 <= self._dead_end < width:
            raise ValueError(f"the dead-end token {self._dead_end} is not among {width} scores")
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
        """Return the state of each row that has restrictions, and keep those of this step alone."""
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
        """Return whether these rows continue what was seen before. With candidates of an assistant the rows may be shorter than
        before: those that were not accepted are taken back."""
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
