from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from evaluation.answers import asking
from server.errors import EngineFailure

USAGE = {"completion_tokens": 12, "completion_tokens_details": {"rejected_prediction_tokens": 4}}


def app_of(says: Any) -> Starlette:
    async def chat(request: Request) -> Any:
        return says(await request.json())

    return Starlette(routes=[Route(asking.PATH, chat, methods=["POST"])])


async def test_each_choice_has_its_part_of_the_usage() -> None:
    def says(body: dict[str, Any]) -> JSONResponse:
        choices = [{"message": {"content": text}, "finish_reason": "stop"} for text in ("one", None)]
        assert body["messages"] == [{"role": "system", "content": "No."}, {"role": "user", "content": "Who?"}]
        assert (body["max_tokens"], body["temperature"], body["n"]) == (5, 0, 2)
        return JSONResponse({"choices": choices, "usage": USAGE})

    found = await asking.ask(app_of(says), asking.body_of("demo", "Who?", 5, "No.", n=2))
    assert found == [asking.Given("one", "stop", 6, 2), asking.Given("", "stop", 6, 2)]


async def test_an_engine_that_never_answers_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def chat(request: Request) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asking, "LONGEST_S", 0.05)
    app = Starlette(routes=[Route(asking.PATH, chat, methods=["POST"])])
    with pytest.raises(EngineFailure, match="look whether the engine still runs"):
        await asking.ask_all(app, [asking.body_of("demo", "Who?", 5)], "test")


async def test_answers_come_in_the_order_of_the_bodies() -> None:
    def says(body: dict[str, Any]) -> JSONResponse:
        text = body["messages"][0]["content"].upper()
        return JSONResponse(
            {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"completion_tokens": 1}}
        )

    bodies = [asking.body_of("demo", f"question {n}", 5) for n in range(20)]
    found = await asking.ask_all(app_of(says), bodies, "test", at_once=4)
    assert [given.text for (given,) in found] == [f"QUESTION {n}" for n in range(20)]


async def test_a_stream_is_timed_to_its_first_text() -> None:
    async def parts() -> Any:
        deltas = [{"role": "assistant", "content": ""}, {"content": "He"}, {"content": "llo"}]
        events = [{"choices": [{"delta": delta}]} for delta in deltas] + [{"choices": [], "usage": USAGE}]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        for start in range(0, len(text), 7):  # events are cut anywhere
            yield text[start : start + 7].encode()

    def says(body: dict[str, Any]) -> StreamingResponse:
        assert body["stream"]
        assert body["stream_options"] == {"include_usage": True}
        return StreamingResponse(parts(), media_type="text/event-stream")

    counts = iter([b"guard_rollbacks_total 3.0\n", b"guard_rollbacks_total 5.0\n"])
    found = await asking.timed(app_of(says), asking.body_of("demo", "Who?", 5), lambda: next(counts))
    assert 0 < found.first_s <= found.total_s
    assert (found.tokens, found.dropped, found.rollbacks) == (12, 4, 2)


@pytest.mark.parametrize(
    ("answer", "message"),
    [(JSONResponse({}, 503), "status 503"), (StreamingResponse(iter(["data: [DONE]\n\n"])), "no usage")],
    ids=["refused", "no usage"],
)
async def test_a_stream_that_fails_is_told(answer: Any, message: str) -> None:
    with pytest.raises(EngineFailure, match=message):
        await asking.timed(app_of(lambda _: answer), asking.body_of("demo", "Who?", 5))


def test_rollbacks_of_all_outcomes_are_summed() -> None:
    text = b"""# HELP guard_rollbacks_total Rollbacks
guard_rollbacks_total{outcome="kept"} 3.0
guard_rollbacks_total{outcome="gave up"} 2.0
guard_rollbacks_created 1e9
guard_decisions_total 40.0
"""
    assert asking.rollbacks(text) == 5
    assert asking.rollbacks(b"") == 0


async def test_a_policy_is_imported_as_yaml() -> None:
    seen: list[tuple[str, bytes]] = []
    status = 200

    async def imports(request: Request) -> JSONResponse:
        seen.append((request.headers["content-type"], await request.body()))
        return JSONResponse({"error": "line 3"}, status)

    app = Starlette(routes=[Route("/v1/forget-targets:import", imports, methods=["POST"])])
    await asking.import_policy(app, "version: 1 # é")
    assert seen == [("application/yaml", "version: 1 # é".encode())]
    status = 400
    with pytest.raises(EngineFailure, match=r"status 400.*line 3"):
        await asking.import_policy(app, "version: 2")
