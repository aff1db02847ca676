"""Finishing: judging words of several tokens near anchors, which needs an encoder while text is generated.

A word that no single token holds ("phys" and "icist") has no vector yet. In each step the finisher takes the few most likely
tokens of every row, encodes the words that they would say in one call for the whole batch, and penalises those near an anchor of
the row's restrictions. A word that was judged before is not encoded again.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.decoding.edits import Edits
from guard.decoding.row import Row
from guard.meaning.anchors import Vectors
from guard.meaning.semantic import SemanticCursor

Ids = NDArray[np.int64]

BUDGET = 16
"""How many words one step may encode."""


class WordEncoder(Protocol):
    """Encodes words while text is generated."""

    @property
    def fingerprint(self) -> str:
        """A name for its vectors. Vectors of encoders with different names cannot be compared."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [texts, dim], each row of length one."""
        ...


def open_encoder(factory: str, model: str | None) -> WordEncoder:
    """Return the encoder that `factory`, written "module:name", makes when called with `model`.

    The factory is named because the guard itself imports no encoder.

    Raises:
        ImportError: If there is no such module.
        AttributeError: If the module has no such name.
        Exception: Whatever the factory raises.
    """
    module, _, name = factory.partition(":")
    made: WordEncoder = getattr(importlib.import_module(module), name)(model)
    return made


class Finisher:
    """Judges the most likely tokens of a batch. It encodes at most `budget` words per step."""

    def __init__(self, encoder: WordEncoder, budget: int = BUDGET) -> None:
        self.encoder = encoder
        self._budget = budget

    @staticmethod
    def concerned(rows: Mapping[int, Row], edits: Edits) -> list[int]:
        """Return the positions of the rows with anchors that `edits` does not close."""
        closed = set(edits.closed.tolist())
        return [position for position, row in rows.items() if position not in closed and row.semantic]

    def edits(self, rows: Mapping[int, Row], positions: Sequence[int], candidates: Ids, edits: Edits) -> Edits:
        """Return further edits for the rows at `positions`.

        Where `edits` penalises a token already, only the difference to the higher penalty is added.

        Args:
            rows: The batch's rows by position.
            positions: The rows to judge; see `concerned`.
            candidates: int64 [positions, k]; each row's most likely tokens, likeliest first, and -1 for those that cannot be
                sampled anyway.
            edits: The edits of this step that are done already.

        Raises:
            RestrictionError: For vectors that cannot be used.
            Exception: Whatever the encoder raises.
        """
        cursors = {position: rows[position].semantic for position in positions}
        self._learn([(cursor, ids) for position, ids in zip(positions, candidates, strict=True) for cursor in cursors[position]])
        found: dict[int, list[Ban]] = {}
        starving = []
        for position, ids in zip(positions, candidates, strict=True):
            ban = Ban.merged([cursor.finishing(ids.tolist()) for cursor in cursors[position]])
            if len(ban):
                found[position] = [_missing(ban, position, edits)]
                if rows[position].starves:
                    starving.append(position)
        return Edits.collect(found, [], starving)

    def _learn(self, asked: Sequence[tuple[SemanticCursor, Ids]]) -> None:
        wanted = [(cursor, cursor.unknown(ids)) for cursor, ids in asked]
        # By rank: if the budget does not cover all words, each row has its likeliest ones judged.
        ranked = itertools.chain.from_iterable(itertools.zip_longest(*(words for _, words in wanted)))
        words = list(dict.fromkeys(word for word in ranked if word is not None))[: self._budget]
        if not words:
            return
        row = {word: at for at, word in enumerate(words)}
        vectors = self.encoder.encode(words)
        for cursor, own in wanted:
            if known := [word for word in own if word in row]:
                cursor.learn(known, vectors[[row[word] for word in known]])


def _missing(ban: Ban, position: int, edits: Edits) -> Ban:
    at = edits.soft[0] == position
    before = dict(zip(edits.soft[1][at].tolist(), edits.penalties[at].tolist(), strict=True))
    more = ban.penalties - np.array([before.get(token, 0.0) for token in ban.soft.tolist()], np.float32)
    return Ban(ban.ids, ban.soft[more > 0], more[more > 0])
