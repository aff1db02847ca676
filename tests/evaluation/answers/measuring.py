"""A whole measurement, with applications that stand in for the engine and the server."""

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
from evaluation.answers import run, serving
from evaluation.answers.run import Effort, Run, Subject
from evaluation.answers.systems import Guarded
from server.policy.file import Policy, load_policy
from tests.evaluation.answering import question_of

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
        settings = SimpleNamespace(miss_rate=0.01)
        app.state.service = SimpleNamespace(running=running, metrics=SimpleNamespace(text=bytes), settings=settings)
        yield app

    monkeypatch.setattr(serving, "demo_server", started)
    monkeypatch.setattr(run, "DEMOS", {"known": SimpleNamespace(model=lambda: "model", engine=())})
    monkeypatch.setattr(run, "guarded", lambda: (Guarded("default", {}), Guarded("strict", {"answer": "rephrase"})))
    bodies["starts"], bodies["imported"] = starts, imported  # type: ignore[assignment]
    return bodies


async def finished(subject: Subject, folder: Path, systems: Sequence[str] = SYSTEMS) -> Run:
    made = Run(subject, EFFORT, folder, systems)
    await made.go()
    made.judge_likelihood(Model(), [SAY])  # type: ignore[arg-type]
    return made
