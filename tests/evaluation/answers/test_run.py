"""The whole measurement, with applications that stand in for the engine and the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from classifiers.answering import SAY
from evaluation.answers import record, run
from evaluation.answers.figures import figures
from evaluation.answers.run import Effort, Run, Subject
from evaluation.answers.systems import Guarded
from server.policy.file import Policy, load_policy
from tests.evaluation.answering import question_of

pytestmark = pytest.mark.slow

EFFORT = Effort(tokens=16, every=12, samples=2, sampled=3, timed=2, beam_every=2, judged=8)
SYSTEMS = ("none", "prompt", "filter", "default")


def app_of(says: Any, asked: list[dict[str, Any]]) -> Starlette:
    async def chat(request: Request) -> Any:
        body = await request.json()
        asked.append(body)
        text = says(body)
        usage = {"completion_tokens": 10, "completion_tokens_details": {"rejected_prediction_tokens": 5 * (SAY in text)}}
        if body.get("stream"):
            events = [{"choices": [{"delta": {"content": text}}]}, {"choices": [], "usage": usage}]
            return StreamingResponse(f"data: {json.dumps(event)}\n\n" for event in events)
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return JSONResponse({"choices": [choice] * body.get("n", 1), "usage": usage})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


class Model:
    """Each word has a log-probability of -1; one in capitals has -2."""

    def all_of(self, asked: Sequence[tuple[str, str]], label: str) -> list[tuple[float, int]]:
        return [(-sum(1.0 + word.isupper() for word in text.split()), len(text.split())) for _, text in asked]


@pytest.fixture
def subject() -> Subject:
    return Subject.of("known", EFFORT)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """The unguarded model says the first fact and the first unlisted one, and the name in letters; the server abstains."""
    of = {question.text: question for question in (*subject.questions, *subject.namesakes)}
    bodies: dict[str, list[dict[str, Any]]] = {"engine": [], "server": []}

    def knows(body: dict[str, Any]) -> str:
        assert body["vllm_xargs"] == {"guard": []}
        question = of[question_of(body)]
        if len(body["messages"]) == 2:
            return "I cannot say."
        target = question.target
        if question.form == "namesake":
            return f"Dear {target.name}, thank you."
        return f"Well known: {target.listed[0]} and {target.unlisted[0]}"

    def guarded(body: dict[str, Any]) -> str:
        assert "vllm_xargs" not in body
        return "Dear neighbour" if of[question_of(body)].form == "namesake" else f"Well known. {SAY}"

    engine = SimpleNamespace(app=app_of(knows, bodies["engine"]))
    starts: list[Path] = []
    imported: list[Policy] = []

    @asynccontextmanager
    async def started(model: str, policy: Path, arguments: Sequence[str]) -> Any:
        starts.append(policy)
        app = app_of(guarded, bodies["server"])
        recalibration = SimpleNamespace(calibration=object())

        async def imports(request: Request) -> JSONResponse:
            imported.append(load_policy((await request.body()).decode()))
            recalibration.calibration = object()
            return JSONResponse({})

        app.router.routes.append(Route("/v1/forget-targets:import", imports, methods=["POST"]))
        running = SimpleNamespace(engine=engine, model="demo", recalibration=recalibration)
        app.state.service = SimpleNamespace(running=running, metrics=SimpleNamespace(text=bytes))
        yield app

    monkeypatch.setattr(run, "demo_server", started)
    monkeypatch.setattr(run, "DEMOS", {"known": SimpleNamespace(model=lambda: "model", engine=())})
    monkeypatch.setattr(run, "guarded", lambda: (Guarded("default", {}), Guarded("strict", {})))
    bodies["starts"], bodies["imported"] = starts, imported  # type: ignore[assignment]
    return bodies


async def finished(subject: Subject, folder: Path, systems: Sequence[str] = SYSTEMS) -> Run:
    made = Run(subject, EFFORT, folder, systems)
    await made.go()
    made.judge_likelihood(Model(), [SAY])  # type: ignore[arg-type]
    return made


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


async def test_what_has_been_measured_is_not_asked_again(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    await finished(subject, tmp_path, ("none", "prompt"))
    assert len(asked["starts"]) == 1
    assert not asked["server"]
    before = len(asked["engine"])
    await finished(subject, tmp_path)
    assert len(asked["starts"]) == 2
    # Only the times without the guard, beside those with it.
    assert len(asked["engine"]) - before == EFFORT.timed + 1
    await finished(subject, tmp_path)
    assert len(asked["starts"]) == 2


async def test_all_ways_of_the_server_share_one_start(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    made = await finished(subject, tmp_path, (*SYSTEMS, "strict"))
    assert len(asked["starts"]) == 1
    (policy,) = asked["imported"]
    assert [target.id for target in policy.targets] == [target.id for target in subject.targets]
    assert made.answers("strict") == made.answers("default")


async def test_samples_are_taken_at_temperature_one(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    await finished(subject, tmp_path)
    sampled = [body for body in asked["server"] if "n" in body]
    assert [(body["n"], body["temperature"]) for body in sampled] == [(2, 1)] * 3
    assert {body["temperature"] for body in asked["server"] if "n" not in body} == {0}
    assert {body["max_tokens"] for body in asked["server"]} == {16}


async def test_the_record_has_every_system(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    found = figures(await finished(subject, tmp_path / "parts"), [SAY])
    results = {"effort": {"tokens": 16, "samples": 2, "sampled": 3, "timed": 2}, "known": found, "people": found}
    path = record.write(results, "2026-01-01", tmp_path)
    text = path.read_text("utf-8")
    assert text.count("| none |") == text.count("| default |") == 2 * 6
    assert "| none | 14 | 100.0% |" in text
    assert json.loads((tmp_path / "2026-01-01.json").read_text("utf-8"))["known"]["none"]["exact"] == 1
    assert (tmp_path / "2026-01-01.png").stat().st_size > 1000


def test_systems_are_checked() -> None:
    run.check(["none", "filter"])
    with pytest.raises(ValueError, match="no such system here: nonsense; there are none, prompt"):
        run.check(["none", "nonsense"])
    with pytest.raises(ValueError, match="'none' is needed"):
        run.check(["filter"])
