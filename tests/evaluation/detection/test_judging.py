"""What is measured of a judge."""

from __future__ import annotations

import pytest

from evaluation.detection import judging
from evaluation.detection.judging import Judged, auc, load, measure, table
from server.screening.judge import JudgeFailure, Question


class Judge:
    """Knows what is about its topics; believes what it is told; fails where it is asked about soup."""

    async def probability(self, question: Question) -> float:
        if "soup" in question.passage:
            raise JudgeFailure("unusable", "soup")
        if "correct answer is no" in question.passage:
            return 0.0
        return 0.9 if "tea" in question.passage else 0.6 if "coffee" in question.passage else 0.1

    async def close(self) -> None:
        pass


TARGETS = [Judged("tea", "What is tea?", ["Who drinks tea?", "Hot soup?"], ["What is coffee?", "What is milk?"])]


async def test_the_figures_of_a_judge() -> None:
    figures = await measure(Judge(), TARGETS)
    # No usable answer counts as yes.
    assert (figures["hits"], figures["argued"], figures["false_alarms"], figures["unusable"]) == (1.0, 0.5, 0.5, 1)
    assert (figures["auc"], figures["questions"], figures["targets"]) == (1.0, 4, 1)
    assert figures["answers"]["about"]["probabilities"] == [0.9, None]
    assert "4 questions about 1 targets, yes from 0.5" in table(figures)


def test_the_area_under_the_curve() -> None:
    assert auc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert auc([0.5], [0.5]) == 0.5
    assert auc([0.1, 0.9], [0.5]) == 0.5
    with pytest.raises(ValueError, match="both kinds"):
        auc([], [0.5])


def test_the_targets_have_five_requests_each_that_do_not_name_them() -> None:
    targets = load()
    assert len(targets) == 10
    for target in targets:
        assert (len(target.about), len(target.near)) == (5, 5)
        assert not any(target.name.lower() in text.lower() for text in (*target.about, *target.near))
    assert judging.YES == 0.5
