"""How likely a system finds TOFU's answers, with the restrictions of each question's own answer inside the model."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.likelihood import TokenLikelihood
from evaluation.tofu.records import Record
from guard.decoding.masks import Masks
from guard.processors.arguments import REFUSE
from guard.tokens.tokenizers import vocabulary_of
from server.policy.held import Held

Likely = list[list[float]]
"""Log probabilities of the tokens of each candidate of a record."""


class Judge:
    """Says how likely candidates are, each of them once however many systems hold it alike.

    Args:
        folder: The model's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._model = TokenLikelihood(folder)
        self._vocabulary = vocabulary_of(self._model.tokenizer.backend_tokenizer.to_str())
        self._masks: dict[str, Masks] = {}
        self._known: dict[tuple[str, tuple[str, ...], str | None], Likely] = {}

    def remember(self, rows: Sequence[Record], parts: Mapping[str, Any] | Any, name: str, said: str | None) -> None:
        """Take what an earlier run has found, if its parts have the set `name` and what was held; a filter's have not."""
        if f"likely {name}" in parts and f"held {name}" in parts:
            for row, held, likely in zip(rows, parts[f"held {name}"], parts[f"likely {name}"], strict=True):
                self._known[row.question, tuple(held), said] = likely

    def likely(
        self, rows: Sequence[Record], held: Sequence[Sequence[str]], restrictions: Held, said: str | None, label: str
    ) -> list[Likely]:
        """Return what a system finds likely.

        Args:
            rows: The records.
            held: For each of them, the digests of the restrictions under which the server answers it, or that it refuses it.
            restrictions: The server's restrictions.
            said: The system prompt.
            label: What the progress says.
        """
        pairs = list(zip(rows, held, strict=True))
        return [self._one(row, tuple(digests), restrictions, said) for row, digests in tqdm(pairs, desc=label, file=sys.stderr)]

    def _one(self, row: Record, digests: tuple[str, ...], restrictions: Held, said: str | None) -> Likely:
        key = (row.question, digests, said)
        if key not in self._known:
            # What the server refuses to answer is answered with nothing of this.
            refused = REFUSE in digests
            masks = [] if refused else [self._masks_of(digest, restrictions) for digest in digests]
            found = self._model.tokens(row.question, row.candidates, self._model.guarded(masks), said)
            self._known[key] = [[-math.inf] * len(one) for one in found] if refused else found
        return self._known[key]

    def _masks_of(self, digest: str, restrictions: Held) -> Masks:
        if digest not in self._masks:
            self._masks[digest] = Masks.of(restrictions.get(digest), self._vocabulary)
        return self._masks[digest]
