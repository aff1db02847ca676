"""TOFU's records: a question, its answer, the answer in other words, and wrong answers in the same form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.data import TOFU, tofu
from evaluation.metrics.summary import PARTS

FORGET = "forget"
CHOICES = frozenset(["real_authors", "world_facts"])
"""The sets whose answers are names or places, of which a model chooses one among several."""


@dataclass(frozen=True)
class Record:
    """One question.

    Attributes:
        question: The question.
        answer: Its answer.
        reworded: The answer in other words; the answer itself where the file has no other words.
        wrong: Wrong answers in the form of `reworded`.
    """

    question: str
    answer: str
    reworded: str
    wrong: tuple[str, ...]

    @property
    def candidates(self) -> list[str]:
        """The answers whose likelihood is measured: the answer, its other wording, and the wrong ones."""
        return [self.answer, self.reworded, *self.wrong]


def load(forget: str = "forget10", folder: Path = TOFU, every: int = 1) -> dict[str, list[Record]]:
    """Return the records by set: `FORGET`, and what a model is to keep.

    Args:
        forget: "forget01", "forget05" or "forget10".
        folder: TOFU's files.
        every: Of each set, the first record and each of this number after it are returned.

    Raises:
        FileNotFoundError: A file is missing; the message says how to get it.
        KeyError: A record lacks a field.
    """
    files = {FORGET: f"{forget}_perturbed", **{name: f"{name}_perturbed" for name in PARTS}}
    return {name: [_record(line) for line in tofu(file, folder)[::every]] for name, file in files.items()}


def _record(line: dict[str, object]) -> Record:
    answer, wrong = str(line["answer"]), line["perturbed_answer"]
    assert isinstance(wrong, list)
    return Record(str(line["question"]), answer, str(line.get("paraphrased_answer") or answer), tuple(map(str, wrong)))
