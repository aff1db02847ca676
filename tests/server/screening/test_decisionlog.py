"""Decisions on their way to the audit log: each is written once, when its answer has ended, with what was suppressed in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from classifiers import Match
from server.errors import EngineFailure, NotReady
from server.screening.conversation import Text
from server.screening.decision import Decision, Verdict
from server.screening.decisionlog import DecisionLog
from server.store import Database, StoreError
from server.store.audit.log import Audit
from server.store.audit.record import AuditFilter, AuditRecord
from tests.server.fakes import FakeEngine
from tests.server.openai.test_route import chat

TEXTS = [Text("Who is the Mad Hatter?", "messages[0]")]


def decision(verdict: Verdict = "restrict") -> Decision:
    matches = [] if verdict == "allow" else [Match("hatter", 0.9, "alias", "names")]
    return Decision(verdict, ["0" * 64], matches, 3)


@pytest.fixture
def log(database: Database, engine: FakeEngine) -> DecisionLog:
    return DecisionLog(database, Audit(), engine)


async def written(database: Database) -> list[AuditRecord]:
    """The records of decisions, oldest first."""
    async with database.read() as session:
        records, _ = await Audit().page(session, limit=10_000)
        assert (await Audit().verify(session)).ok
    return [record for record in reversed(records) if record.action.endswith(".decision")]


async def test_a_request_is_recorded_when_its_answer_has_ended(log: DecisionLog, database: Database, engine: FakeEngine) -> None:
    request = decision()
    with log.answering(request, "k", 0.0125, TEXTS):
        await log.write()
        assert await written(database) == []
        engine.counts = {request.id: 5, "another": 7}
    await log.write()
    (record,) = await written(database)
    assert (record.action, record.actor, record.target_ids, record.snapshot) == ("request.decision", "k", ["hatter"], 3)
    scores = {"decision_id": request.id, "verdict": "restrict", "scores": {"hatter": 0.9}, "latency_ms": 12.5}
    scores["evidence"] = {"hatter": "alias"}
    assert record.details == scores | {"suppressed": 5}
    assert engine.counts == {"another": 7}
    await log.write()
    assert len(await written(database)) == 1


@pytest.mark.parametrize("verdict", ["allow", "restrict"])
async def test_a_target_that_is_found_in_an_answer_is_recorded(log: DecisionLog, database: Database, verdict: Verdict) -> None:
    request = decision(verdict)
    with log.answering(request, "k", 0, TEXTS):
        log.found_in_output(request, "dodo", "k")
    await log.write()
    async with database.read() as session:
        records, _ = await Audit().page(session, wanted=AuditFilter(action="output.detection"))
        assert await Audit().count(session, AuditFilter(action="output.detection", target_id="dodo")) == 1
        assert (await Audit().verify(session)).ok
    (record,) = records
    assert (record.actor, record.target_ids, record.snapshot) == ("k", ["dodo"], 3)
    assert record.details == {"decision_id": request.id, "evidence": "output"}


async def test_what_is_written_twice_at_once_is_recorded_once(log: DecisionLog, database: Database) -> None:
    for _ in range(5):
        with log.answering(decision(), "k", 0, TEXTS):
            pass
    await asyncio.gather(log.write(), log.write(), log.write())
    assert len(await written(database)) == 5


@pytest.mark.parametrize("error", [ConnectionResetError, asyncio.CancelledError])
async def test_an_answer_that_breaks_off_is_recorded(log: DecisionLog, database: Database, error: type[BaseException]) -> None:
    with pytest.raises(error), log.answering(decision(), "k", 0, TEXTS):
        raise error
    await log.write()
    assert len(await written(database)) == 1


async def test_only_what_was_found_is_recorded_and_only_answers_are_counted(
    log: DecisionLog, database: Database, engine: FakeEngine
) -> None:
    asked: list[str] = []

    async def suppressed(names: Sequence[str]) -> dict[str, int]:
        asked.append(",".join(names))
        return dict.fromkeys(names, 0)

    engine.suppressed = suppressed  # type: ignore[method-assign]
    made = [decision("restrict"), decision("refuse"), decision("allow"), decision("monitor")]
    for one in made:
        with log.answering(one, "k", 0, TEXTS):
            pass
        log.screened(one, "k", 0, TEXTS)
    await log.write()
    records = await written(database)
    told = [(record.action[:3], record.details["verdict"], record.details.get("suppressed", "-")) for record in records]
    assert told == [
        ("req", "restrict", 0),
        ("scr", "restrict", "-"),
        ("req", "refuse", "-"),
        ("scr", "refuse", "-"),
        ("req", "monitor", 0),
        ("scr", "monitor", "-"),
    ]
    assert asked == [f"{made[0].id},{made[3].id}"]  # in one call


async def test_a_count_that_cannot_be_had_is_null(
    log: DecisionLog, database: Database, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dead(names: Sequence[str]) -> dict[str, int]:
        raise EngineFailure("a worker failed")

    async def stuck(names: Sequence[str]) -> dict[str, int]:
        await asyncio.sleep(60)
        return {}

    monkeypatch.setattr("server.screening.decisionlog._COUNT_TIMEOUT_S", 0.01)
    for answer in (dead, stuck, FakeEngine().suppressed):
        engine.suppressed = answer  # type: ignore[method-assign]
        with log.answering(decision(), "k", 0, TEXTS):
            pass
        await log.write()
    assert [record.details["suppressed"] for record in await written(database)] == [None] * 3


async def test_counts_outlast_a_store_that_does_not_answer(
    log: DecisionLog, database: Database, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = decision()
    with log.answering(request, "k", 0, TEXTS):
        engine.counts[request.id] = 4

    async def fails(*_: Any) -> None:
        raise StoreError("no")

    with monkeypatch.context() as broken:
        broken.setattr(Audit, "append_many", fails)
        with pytest.raises(StoreError):
            await log.write()
    await log.write()
    assert [record.details["suppressed"] for record in await written(database)] == [4]


async def test_at_the_end_open_answers_are_written_once(log: DecisionLog, database: Database, engine: FakeEngine) -> None:
    request = decision()
    with log.answering(request, "k", 0, TEXTS):
        engine.counts[request.id] = 1
        await log.end()
    await log.end()
    assert [record.details["suppressed"] for record in await written(database)] == [1]


async def test_more_than_may_wait_is_not_admitted(log: DecisionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.screening.decisionlog._MOST_WAITING", 2)
    log.screened(decision(), "k", 0, TEXTS)
    log.admit()
    with log.answering(decision(), "k", 0, TEXTS), pytest.raises(NotReady):
        log.admit()
    with pytest.raises(NotReady):
        log.admit()
    await log.write()
    log.admit()


async def requests_recorded(app: FastAPI) -> list[dict[str, Any]]:
    service = app.state.service
    await service.running.decisions.write()
    async with service.database.read() as session:
        records, _ = await service.audit.page(session, wanted=AuditFilter(action="request.decision"))
    return [record.details for record in reversed(records)]


@pytest.mark.slow
async def test_the_routes_that_generate_leave_counts(client: httpx.AsyncClient, app: FastAPI) -> None:
    """The fake engine counts two tokens for whatever it is asked by name."""
    for body in (chat("Hatta?"), chat("Hatta?", stream=True), chat("The Ugly Duchess?"), chat("The Dodo Bird?"), chat("Cake?")):
        assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
    assert (await client.post("/v1/chat/completions", json=chat("Hatta?", stop_token_ids=7))).status_code == 400
    recorded = await requests_recorded(app)
    assert [(details["verdict"], details.get("suppressed", "-")) for details in recorded] == [
        ("restrict", 2),
        ("restrict", 2),
        ("refuse", "-"),
        ("monitor", 2),
        ("restrict", None),
    ]


@pytest.mark.slow
async def test_a_client_that_leaves_in_mid_stream_is_recorded(app: FastAPI, client: httpx.AsyncClient) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/chat/completions",
        "raw_path": b"/v1/chat/completions",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
        "state": {},
    }
    body = json.dumps(chat("Hatta?", stream=True)).encode()
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])
    gone = asyncio.Event()

    async def receive() -> Any:
        if message := next(messages, None):
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            gone.set()
            raise OSError("the client is gone")

    with pytest.raises(BaseException):  # noqa: B017
        await app(scope, receive, send)
    assert gone.is_set()
    assert [details["suppressed"] for details in await requests_recorded(app)] == [2]
