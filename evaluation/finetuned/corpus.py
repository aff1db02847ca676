"""What a model learns: TOFU's authors to forget and to keep, real authors and facts about the world.

TOFU (Maini et al. 2024, arXiv 2401.06121) compares a model that unlearned with the *retain* model, which was trained without what
is to be forgotten. Both start from the same weights here and see the rest in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.data import TOFU, tofu
from evaluation.pairs import QAPair

KEPT = ("retain", "real_authors", "world_facts")
"""The sets that every model learns; TOFU measures model utility on them."""
_FILES = {"retain": "retain_perturbed", "real_authors": "real_authors_perturbed", "world_facts": "world_facts_perturbed"}


@dataclass(frozen=True)
class Corpus:
    """Questions with answers, by the name of their set: "forget", and those of `KEPT`."""

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
            retain: Whether the set "forget" is left out.
        """
        order = self.named
        random.Random(seed).shuffle(order)  # noqa: S311 - nothing secret is drawn
        for start in range(0, len(order), size):
            batch = [pair for name, pair in order[start : start + size] if not (retain and name == "forget")]
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
    files = {"forget": f"{forget}_perturbed"} | _FILES
    return Corpus({name: _pairs(file, folder)[:most] for name, file in files.items()})


def _pairs(file: str, folder: Path) -> tuple[QAPair, ...]:
    lines: Sequence[dict[str, str]] = tofu(file, folder)
    # A question twice, with one answer or two, cannot be learned twice.
    return tuple({line["question"]: QAPair(line["question"], line["answer"]) for line in lines}.values())
