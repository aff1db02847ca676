"""The goals, and whether the figures meet them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluation.answers.systems import FILTER, NONE, PROMPT
from evaluation.books.corpus import ALICE
from evaluation.evidence.summary import Table
from evaluation.scenarios.probes import AT_ONCE, ONE_BY_ONE, SAMPLED
from evaluation.tofu.policy import ABSTAIN, REFUSE, REPHRASE
from evaluation.tofu.rivals import RIVALS
from evaluation.tofu.run import RETAIN

SCENARIO = "forget10"
Value = Callable[[Table], float]
_ORDER = [False, None, True]
TRAINING_FREE = (PROMPT, FILTER, *RIVALS)
"""Rivals that change no weights."""


@dataclass(frozen=True)
class Goal:
    """One goal.

    Attributes:
        text: What is to be reached.
        value: The figure, of which KeyError says that it was not measured.
        limit: What it is compared with; KeyError as of `value`.
        most: Whether the figure may be at most the limit; otherwise at least.
    """

    text: str
    value: Value
    limit: Value
    most: bool = True


@dataclass(frozen=True)
class Judged:
    """A goal and what was measured: figure and limit as text, and whether it was met (None: not measured)."""

    goal: Goal
    value: str
    limit: str
    met: bool | None

    @property
    def word(self) -> str:
        """What became of the goal."""
        return "not measured" if self.met is None else "met" if self.met else "missed"


def figure(system: str, metric: str, scenario: str = SCENARIO) -> Value:
    """Return what reads a mean from a table."""
    return lambda table: table[scenario][system][metric]["mean"]


def _fixed(value: float) -> Value:
    return lambda _: value


def _above(value: Value, by: float) -> Value:
    return lambda table: value(table) + by


def _gain(system: str) -> Value:
    """Return a system's utility less its leak: leak and utility together in one number."""
    return lambda table: figure(system, "utility")(table) - figure(system, "leak")(table)


def _best_gain(systems: Sequence[str]) -> Value:
    return lambda table: max(_gain(system)(table) for system in systems if system in table[SCENARIO])


def _ratio(system: str, metric: str) -> Value:
    return lambda table: figure(system, metric)(table) / figure(NONE, metric)(table)


def _later(metric: str) -> Value:
    return lambda table: figure(ABSTAIN, metric, f"{ONE_BY_ONE}/20")(table) - figure(ABSTAIN, metric, f"{ONE_BY_ONE}/1")(table)


GOALS = (
    *(Goal(f"leak of `{way}`", figure(way, "leak"), _fixed(0.01)) for way in (ABSTAIN, REPHRASE, REFUSE)),
    *(
        Goal(
            f"near leak of `{way}`, at most the retain model's + 0.01",
            figure(way, "near leak"),
            _above(figure(RETAIN, "near leak"), 0.01),
        )
        for way in (ABSTAIN, REPHRASE)
    ),
    *(
        Goal(
            f"ROUGE-L of `{way}`, at most the retain model's + 0.02",
            figure(way, "rouge_l forget"),
            _above(figure(RETAIN, "rouge_l forget"), 0.02),
        )
        for way in (ABSTAIN, REPHRASE)
    ),
    Goal("questions of which one of 128 samples says a listed phrase", figure(ABSTAIN, "phrase@128", SAMPLED), _fixed(0.0)),
    Goal("forget quality p of `rephrase`", figure(REPHRASE, "forget quality"), _fixed(0.05), most=False),
    *(
        Goal(f"model utility of `{way}` as a share of unguarded", _ratio(way, "utility"), _fixed(0.99), most=False)
        for way in (ABSTAIN, REPHRASE)
    ),
    *(
        Goal(f"fluency of `{way}` against unguarded", figure(way, "fluency"), _fixed(least), most=False)
        for way, least in ((ABSTAIN, 0.95), (REPHRASE, 0.9))
    ),
    Goal("PrivLeak of `rephrase`, how far from 0", lambda table: abs(figure(REPHRASE, "privleak")(table)), _fixed(10.0)),
    Goal("kept answers unchanged, `abstain`", figure(ABSTAIN, "unchanged kept"), _fixed(1.0), most=False),
    Goal("false alarms", figure(ABSTAIN, "flagged kept"), _fixed(0.005)),
    *(
        Goal(
            f"VerbMem of Alice, `{way}`, at most the retain model's + 0.02",
            figure(way, "verbatim", ALICE),
            _above(figure(RETAIN, "verbatim", ALICE), 0.02),
        )
        for way in (ABSTAIN, REPHRASE)
    ),
    Goal("leak after 20 targets one by one, less that after the first", _later("leak"), _fixed(0.0)),
    Goal(
        "kept answers changed after 20, less those after the first", lambda table: -_later("unchanged kept")(table), _fixed(0.0)
    ),
    Goal(
        "leak of 20 at once, at most that of one by one",
        figure(ABSTAIN, "leak", f"{AT_ONCE}/20"),
        figure(ABSTAIN, "leak", f"{ONE_BY_ONE}/20"),
    ),
    Goal(
        "utility less leak, `abstain`, at least that of the best rival without training",
        _gain(ABSTAIN),
        _best_gain(TRAINING_FREE),
        most=False,
    ),
    Goal("utility less leak, `abstain`, at least that of NPO", _gain(ABSTAIN), _gain("npo"), most=False),
)


def judged(table: Table, goals: Sequence[Goal] = GOALS) -> list[Judged]:
    """Return each goal with what was measured: first those that were missed, then those without a figure, then the others."""
    found = []
    for goal in goals:
        try:
            value, limit = goal.value(table), goal.limit(table)
        except (KeyError, ValueError):  # not measured, or nothing to compare with
            found.append(Judged(goal, "–", "–", None))
            continue
        met = value <= limit + 1e-9 if goal.most else value >= limit - 1e-9
        found.append(Judged(goal, f"{value:.3g}", f"{'≤' if goal.most else '≥'} {limit:.3g}", met))
    return sorted(found, key=lambda one: _ORDER.index(one.met))


def markdown(table: Table) -> str:
    """Return the goals as a Markdown table, in the order of `judged`."""
    lines = [f"| {one.goal.text} | {one.limit} | {one.value} | {one.word} |" for one in judged(table)]
    return "\n".join(["| goal | limit | measured | |", "|---|---|---|---|", *lines])
