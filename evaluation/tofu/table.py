"""TOFU's table, from what a system answers and how likely it finds answers (Maini et al. 2024, arXiv 2401.06121, section 2.2)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.metrics.likelihood import choice_probability, indifference, probability, truth_ratio, truthfulness
from evaluation.metrics.overlap import rouge_l
from evaluation.metrics.summary import PARTS, forget_quality, model_utility
from evaluation.tofu.records import CHOICES, FORGET, Record


@dataclass(frozen=True)
class Scored:
    """What a system makes of one record.

    Attributes:
        answer: What it answers.
        right: Log probabilities of the tokens of the right answer.
        reworded: The same of the right answer in other words.
        wrong: The same of each wrong answer.
    """

    answer: str
    right: tuple[float, ...]
    reworded: tuple[float, ...]
    wrong: tuple[tuple[float, ...], ...]

    @property
    def truth_ratio(self) -> float:
        """How much likelier wrong answers are than the right one, all of them in the same form."""
        return truth_ratio(self.reworded, self.wrong)


def figures(records: Mapping[str, Sequence[Record]], scored: Mapping[str, Sequence[Scored]]) -> dict[str, dict[str, float]]:
    """Return the figures of each set: `probability`, `rouge_l` (recall) and `truth`, from 0 to 1.

    `truth` is the truth ratio as the table has it: of what is to be forgotten `indifference`, of the rest `truthfulness`.

    Raises:
        ValueError: A set has no records, or more or fewer than there are answers.
    """
    found: dict[str, dict[str, float]] = {}
    for name, rows in records.items():
        if len(rows) != len(scored[name]) or not rows:
            raise ValueError(f"{name}: {len(rows)} records and {len(scored[name])} answers to them")
        ratios = [one.truth_ratio for one in scored[name]]
        found[name] = {
            "probability": statistics.fmean(
                choice_probability(one.right, one.wrong) if name in CHOICES else probability(one.right) for one in scored[name]
            ),
            "rouge_l": statistics.fmean(
                rouge_l(one.answer, row.answer).recall for row, one in zip(rows, scored[name], strict=True)
            ),
            "truth": indifference(ratios) if name == FORGET else truthfulness(ratios),
        }
    return found


def utility(found: Mapping[str, Mapping[str, float]]) -> float:
    """Return model utility, from 0 to 1, from `figures` of the sets that a model is to keep."""
    return model_utility([found[name][figure] for name in PARTS for figure in ("probability", "rouge_l", "truth")])


def quality(forget: Sequence[Scored], retain: Sequence[Scored]) -> float:
    """Return forget quality, a p-value: of the same records, scored by a system and by the retain model."""
    return forget_quality([one.truth_ratio for one in forget], [one.truth_ratio for one in retain])
