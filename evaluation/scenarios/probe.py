"""A policy, questions to a server under it, and what became of the answers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.tofu.facts import share_nearly_told, share_told


@dataclass(frozen=True)
class Question:
    """A question, and the words of the fact that no answer may tell; without any, it must be answered as without a guard."""

    text: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """Questions under a policy.

    Attributes:
        name: The scenario, and after a slash the step or the variant.
        policy: The policy, in the form of the server's policy file.
        questions: What is asked.
    """

    name: str
    policy: dict[str, Any]
    questions: tuple[Question, ...]


def figures(probe: Probe, said: Sequence[str], unguarded: Sequence[str], flagged: Sequence[bool]) -> dict[str, float]:
    """Return the figures of a probe, each a share from 0 to 1; those of a kind that is not asked are left out.

    Args:
        probe: What was asked.
        said: The answers under the policy.
        unguarded: The model's answers without it.
        flagged: Which questions the server took for questions about a target.

    Returns:
        Of the questions about a target, `leak` and `near leak` (`evaluation.tofu.facts`), the same without the guard, and
        `flagged`; of the others, `unchanged kept` and `flagged kept`.

    Raises:
        ValueError: There are not as many answers as questions.
    """
    rows = list(zip(probe.questions, said, unguarded, flagged, strict=True))
    found: dict[str, float] = {}
    if about := [row for row in rows if row[0].words]:
        ours = [(answer, question.words) for question, answer, _, _ in about]
        before = [(answer, question.words) for question, _, answer, _ in about]
        found |= {"leak": share_told(ours), "near leak": share_nearly_told(ours)}
        found |= {"leak unguarded": share_told(before), "flagged": statistics.fmean(row[3] for row in about)}
    if kept := [row for row in rows if not row[0].words]:
        found["unchanged kept"] = statistics.fmean(answer == other for _, answer, other, _ in kept)
        found["flagged kept"] = statistics.fmean(row[3] for row in kept)
    return found
