"""Finishing: what a batch's most likely tokens would say, where that takes an encoder to know.

A word that no single token holds, "phys" and "icist", has no vector until somebody asks for it. Each step the few most likely
tokens of every row are asked for, the words they would say are encoded once for the whole batch, and those near an anchor of the
row's restrictions are penalised. What was judged before is not encoded again.
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
"""Words that one step may encode."""


class WordEncoder(Protocol):
    """What turns words into vectors while text is generated."""

    @property
    def fingerprint(self) -> str:
        """What names its vectors: those of two encoders cannot be compared."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [texts, dim], each row of length one."""
        ...


def open_encoder(factory: str, model: str | None) -> WordEncoder:
    """Return what `factory`, a "module:name", makes of the name of a model.

    So that the guard imports no encoder by itself. Raises ImportError, AttributeError, and what the factory raises.
    """
    module, _, name = factory.partition(":")
    made: WordEncoder = getattr(importlib.import_module(module), name)(model)
    return made


class Finisher:
    """Judges the most likely tokens of a batch; at most `budget` words a step go through the encoder."""

    def __init__(self, encoder: WordEncoder, budget: int = BUDGET) -> None:
        self.encoder = encoder
        self._budget = budget

    @staticmethod
    def concerned(rows: Mapping[int, Row], edits: Edits) -> list[int]:
        """Return the positions of the rows that have anchors and are not closed in this step."""
        closed = set(edits.closed.tolist())
        return [position for position, row in rows.items() if position not in closed and row.semantic]

    def edits(self, rows: Mapping[int, Row], positions: Sequence[int], candidates: Ids, edits: Edits) -> Edits:
        """Return what is to be done besides `edits`, which were done already.

        `candidates` int64 [positions, k]: the most likely tokens of the rows at `positions`, likeliest first; -1 where a token
        cannot be sampled anyway. Of a token that was penalised already only what is missing to its highest penalty is added.

        Raises RestrictionError for vectors that cannot be used, and what the encoder raises.
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
        # By rank: where the budget does not suffice, every row has its likeliest words judged.
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
