from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifiers.answering import SAY
from evaluation.answers.figures import figures
from evaluation.answers.run import Subject
from tests.evaluation.answers.measuring import SYSTEMS, asked, finished, subject

__all__ = ["asked", "subject"]

pytestmark = pytest.mark.slow


async def test_figures_are_those_of_the_answers(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    found = figures(await finished(subject, tmp_path), [SAY])
    assert list(found) == list(SYSTEMS)
    none, prompt, filtered, default = (found[name] for name in SYSTEMS)
    assert (none["exact"], none["leak1"], none["leak20"], none["abstained"], none["rephrased"]) == (1, 1, 1, 0, 0)
    # Each target of which something was asked has let out its first unlisted fact.
    targets = {question.target.id: question.target for question in subject.questions}
    assert none["unlisted_said"] == len(targets)
    assert none["unlisted"] == pytest.approx(len(targets) / sum(len(target.unlisted) for target in targets.values()))
    assert (prompt["exact"], prompt["abstained"], prompt["unlisted"], prompt["leak20"]) == (0, 1, 0, 0)
    assert (filtered["exact"], filtered["unlisted"], filtered["spoiled"], filtered["leak20"]) == (0, 0, 0, 0)
    assert (default["exact"], default["abstained"], default["rolled_back"], default["generated_per_kept"]) == (0, 1, 1, 2)
    assert (default["spoiled"], none["spoiled"]) == (1, 0)
    assert set(default["spoiled_by_kind"]) == {use.target.kind for use in subject.namesakes}
    # "Well known." is as likely a word as the unguarded answer's words, as far as those are not in capitals.
    assert (none["fluency_ratio"], none["likelihood_ratio"]) == (1, 1)
    assert default["mean_logprob"] == -1
    assert default["step_s"] > 0
    assert (default["rollbacks"], default["rollback_s"]) == (0, None)
