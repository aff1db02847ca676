"""What a model learns: TOFU's authors to forget and to keep, real authors and facts about the world.

TOFU (Maini et al. 2024, arXiv 2401.06121) compares a model that unlearned with the *retain* model, which was trained without what
is to be forgotten. Both start from the same weights here and see the rest in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.data import TOFU
from evaluation.pairs import QAPair
from evaluation.tofu import records
from evaluation.tofu.records import FORGET, Record


@dataclass(frozen=True)
class Corpus:
    """Questions with answers, by the name of their set (`evaluation.tofu.records`)."""

    sets: dict[str, tuple[QAPair, ...]]

    @property
    def named(self) -> list[tuple[str, QAPair]]:
        """All pairs, each with its set."""
        return [(name, pair) for name, pairs in self.sets.items() for pair in pairs]

    def batches(self, size: int, seed: int, *, retain: bool) -> Iterator[list[QAPair]]:
        """Yield one epoch in batches of at most `size` pairs.

        The retain model gets the batches of the other one, less what it must not see.

        Args:
            size: Pairs in a batch.
            seed: Draws the order; another one for each epoch.
            retain: Whether the set `FORGET` is left out.
        """
        order = self.named
        random.Random(seed).shuffle(order)  # noqa: S311 - nothing secret is drawn
        for start in range(0, len(order), size):
            batch = [pair for name, pair in order[start : start + size] if not (retain and name == FORGET)]
            if batch:
                yield batch


def load(forget: str = "forget10", folder: Path = TOFU, most: int | None = None) -> Corpus:
    """Return the corpus of a forget set.

    Args:
        forget: "forget01", "forget05" or "forget10".
        folder: TOFU's files.
        most: The most pairs of each set; None for all.

    Raises:
        FileNotFoundError: A file is missing; the message says how to get it.
    """
    return Corpus({name: _pairs(rows)[:most] for name, rows in records.load(forget, folder).items()})


def _pairs(rows: Sequence[Record]) -> tuple[QAPair, ...]:
    # A question twice, with one answer or two, cannot be learned twice.
    return tuple({row.question: QAPair(row.question, row.answer) for row in rows}.values())
