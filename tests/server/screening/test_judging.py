"""What becomes of matches in doubt."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest

from classifiers import ForgetTarget, Match
from server.metrics import JUDGED, Metrics
from server.screening.judge import JudgeFailure, ModelJudge
from server.screening.judging import MOST_QUESTIONS, Judging, open_judging
from server.settings import Settings
from tests.server.screening.judges import FakeChat, KnowingJudge

TARGETS = {f"t{n}": ForgetTarget(id=f"t{n}", name=f"Target {n}") for n in range(10)}
TARGETS["t0"] = ForgetTarget.model_validate(
    {"id": "t0", "name": "Target 0", "examples": [{"prompt": "Who is the first?", "completion": "Nobody."}]}
)


def doubtful(*numbers: int, best: float = 0.9) -> list[Match]:
    return [Match(f"t{n}", best - at / 100, "nearest:0.6-0.5", "nearest", False) for at, n in enumerate(numbers)]


async def settled(judge: Any, matches: list[Match], **how: Any) -> tuple[list[tuple[str, str]], Metrics]:
    metrics = Metrics()
    judging = Judging(judge, how.get("yes", 0.5), how.get("timeout_s", 5.0), metrics)
    passages = {match.target_id: "Who is it?" for match in matches if match.target_id not in how.get("without", ())}
    found = await judging.settled(matches, TARGETS, passages)
    assert all(match.certain for match in found)
    return [(match.target_id, match.evidence) for match in found], metrics


def counts(metrics: Metrics) -> dict[str, int]:
    text = metrics.text().decode()
    found = {name: int(float(text.split(f'guard_judge_questions_total{{outcome="{name}"}} ')[1].split()[0])) for name in JUDGED}
    return {name: count for name, count in found.items() if count}


async def test_what_the_judge_confirms_counts_and_the_rest_does_not() -> None:
    judge = KnowingJudge({"Target 0": 0.831, "Target 1": 0.49, "Target 2": 0.5})
    matches = [Match("t3", 1.0, "alias", "alias"), *doubtful(0, 1, 2)]
    found, metrics = await settled(judge, matches)
    assert found == [("t3", "alias"), ("t0", "judge:0.83"), ("t2", "judge:0.50")]
    assert counts(metrics) == {"yes": 2, "no": 1}
    assert b"guard_judge_seconds_count 3.0" in metrics.text()
    assert judge.most_at_once == 3
    assert [question.example for question in judge.questions] == ["Who is the first?", None, None]


async def test_the_limit_is_the_setting() -> None:
    judge = KnowingJudge({"Target 0": 0.6})
    assert (await settled(judge, doubtful(0), yes=0.61))[0] == []
    assert (await settled(judge, doubtful(0), yes=0.6))[0] == [("t0", "judge:0.60")]


@pytest.mark.parametrize("kind", ["timeout", "error", "unusable"])
async def test_where_the_judge_fails_the_match_counts(kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    judge = KnowingJudge({"Target 0": JudgeFailure(kind, "it failed"), "Target 1": 0.0})
    with caplog.at_level(logging.DEBUG):
        found, metrics = await settled(judge, doubtful(0, 1))
    assert found == [("t0", f"judge:{kind}")]
    assert counts(metrics) == {kind: 1, "no": 1}
    assert "it failed" in caplog.text
    for told in (caplog.text, metrics.text().decode()):
        assert "Target" not in told
        assert "Who is" not in told


async def test_a_judge_that_takes_too_long_is_not_waited_for() -> None:
    chat = FakeChat()
    chat.waits = 30
    judge = ModelJudge(chat.app, "fake")
    started = time.perf_counter()
    found, metrics = await settled(judge, doubtful(0, 1), timeout_s=0.05)
    assert time.perf_counter() - started < 5
    assert found == [("t0", "judge:timeout"), ("t1", "judge:timeout")]
    assert counts(metrics) == {"timeout": 2}
    await judge.close()


async def test_only_the_best_are_asked_about_and_the_rest_counts() -> None:
    judge = KnowingJudge({target.name: 0.0 for target in TARGETS.values()})
    found, metrics = await settled(judge, doubtful(*range(10)))
    assert [question.name for question in judge.questions] == [f"Target {n}" for n in range(MOST_QUESTIONS)]
    assert found == [(f"t{n}", "judge:unasked") for n in range(MOST_QUESTIONS, 10)]
    assert counts(metrics) == {"no": MOST_QUESTIONS, "unasked": 10 - MOST_QUESTIONS}


async def test_a_match_without_a_passage_counts() -> None:
    judge = KnowingJudge({"Target 1": 0.0})
    assert (await settled(judge, doubtful(0, 1), without=("t0",)))[0] == [("t0", "judge:unasked")]


async def test_certain_matches_need_no_judge() -> None:
    judge = KnowingJudge({})
    assert (await settled(judge, [Match("t0", 1.0, "alias", "alias")]))[0] == [("t0", "alias")]
    assert judge.questions == []


async def test_a_client_that_leaves_ends_the_questions() -> None:
    chat = FakeChat()
    chat.waits = 30
    judge = ModelJudge(chat.app, "fake")
    task = asyncio.create_task(settled(judge, doubtful(0, 1)))
    while len(chat.bodies) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await judge.close()


def made(tmp_path: Path, **fields: Any) -> Settings:
    return Settings(model="fake", data_dir=tmp_path, **fields)


async def test_without_a_judge_there_is_none(tmp_path: Path) -> None:
    async with open_judging(made(tmp_path), None, FakeChat().app, "fake", Metrics()) as judging:
        assert judging is None


async def test_a_served_model_that_cannot_judge_stops_the_start(tmp_path: Path) -> None:
    chat = FakeChat({"Tea": 0.9})
    with pytest.raises(RuntimeError, match=r"neither yes nor no.*instruct model"):
        async with open_judging(made(tmp_path, judge="model"), None, chat.app, "fake", Metrics()):
            pass
    async with open_judging(made(tmp_path, judge="model"), None, FakeChat().app, "fake", Metrics()) as judging:
        assert judging is not None


async def test_a_judge_that_is_away_at_the_start_is_told_and_blocks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    away = made(tmp_path, judge="http://127.0.0.1:9/v1", judge_model="m")
    metrics = Metrics()
    async with open_judging(away, "k", FakeChat().app, "fake", metrics) as judging:
        assert judging is not None
        assert "prompts in doubt count" in caplog.text
        (match,) = await judging.settled(doubtful(0), TARGETS, {"t0": "Who?"})
        assert (match.evidence, match.certain) == ("judge:error", True)


async def test_a_judge_of_little_use_is_told_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_judging(made(tmp_path, judge="model"), None, FakeChat({"No": 0.8, "Yes": 0.2}).app, "fake", Metrics()):
        assert "of little use" in caplog.text
    caplog.clear()

    class Useful(FakeChat):
        def read(self, body: dict[str, Any]) -> None:
            about = "How is tea made?" in body["messages"][0]["content"]
            self.alternatives = {"yes": 0.8, "no": 0.2} if about else {"yes": 0.1, "no": 0.8}

    async with open_judging(made(tmp_path, judge="model"), None, Useful().app, "fake", Metrics()):
        assert not caplog.records
