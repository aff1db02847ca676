"""Complaints about other servers, on this one; each test has the id of its case."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server.http.filterlimit import FilterLimit
from tests.server.fakes import DEAD_END, FakeEngine, WordEncoder

WORD = "leakedvelmont"
LISTED = {"id": "t1", "name": "Iskra Dovland", "phrases": [{"text": WORD}], "forms": []}
CHAT, TEXT, TARGETS = "/v1/chat/completions", "/v1/completions", "/v1/forget-targets"


def chat(content: Any = f"Say {WORD}.", **fields: Any) -> dict[str, Any]:
    return {"model": "fake", "messages": [{"role": "user", "content": content}], **fields}


def requests(word: str = WORD) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Requests with the word in body, path, query and headers: the status that each must get, method, path, and the rest."""
    say = partial(chat, f"Say {word}.")
    typed = {"content-type": "application/json"}
    return [
        (400, "POST", CHAT, {"json": say(use_beam_search=word)}),
        (400, "POST", CHAT, {"json": say(stream=word)}),
        (400, "POST", CHAT, {"json": chat(7)}),
        (400, "POST", CHAT, {"json": chat([{"type": word, "text": word}])}),
        (400, "POST", CHAT, {"json": say(stop_token_ids=word)}),
        (400, "POST", CHAT, {"json": say(chat_template=word)}),
        (400, "POST", CHAT, {"json": say(allowed_token_ids=[word])}),
        (400, "POST", CHAT, {"content": f'{{"{word}": "{word}', "headers": typed}),
        (400, "POST", CHAT, {"content": f'{{"model": "{word}", "model": "{word}"}}', "headers": typed}),
        (400, "POST", TEXT, {"json": {"prompt": {word: word}}}),
        (400, "POST", TEXT, {"json": {"prompt": word, "echo": True, "logprobs": 1}}),
        (400, "POST", TARGETS, {"json": {"id": f"{word} {word}", "name": "Ada"}}),
        (400, "POST", TARGETS, {"json": {"id": "t2", "name": "Ada", "phrases": [{"text": "", "scope": word}]}}),
        (400, "POST", TARGETS, {"json": {"id": "t2", "name": "Ada", "status": word}}),
        (400, "GET", f"{TARGETS}?cursor={word}", {}),
        (400, "GET", f"{TARGETS}?limit={word}", {}),
        (400, "GET", f"{TARGETS}?label={word}", {}),
        (400, "POST", f"{TARGETS}:import", {"content": word, "headers": {"content-type": "application/yaml"}}),
        (400, "POST", "/v1/moderations", {"json": {"input": {word: word}}}),
        (404, "GET", f"/v1/{word}", {}),
        (404, "GET", f"{TARGETS}/{word}", {}),
        (404, "POST", f"{TARGETS}/{word}:pause", {}),
        (404, "DELETE", f"/v1/keys/{word}", {}),
        (405, "DELETE", f"{CHAT}?q={word}", {}),
        (409, "POST", TARGETS, {"json": LISTED}),
        (412, "PATCH", f"{TARGETS}/t1", {"json": {"note": word}, "headers": {"if-match": f'"{word}"'}}),
        (413, "POST", CHAT, {"json": chat(word * 2000)}),
        (415, "POST", CHAT, {"content": word, "headers": {"content-type": f"text/{word}"}}),
        (422, "POST", TARGETS, {"json": {"id": "t3", "name": word}, "headers": {"idempotency-key": word}}),
    ]


def shown(response: httpx.Response) -> str:
    """All that a client gets, in small letters."""
    return f"{response.text}\n{sorted(response.headers.items())}".lower()


@pytest.mark.slow
async def test_pol_01_no_error_header_log_or_metric_repeats_a_phrase(
    client: httpx.AsyncClient, app: FastAPI, engine: FakeEngine, encoder: WordEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    service = app.state.service
    assert (await client.post(TARGETS, json=LISTED)).status_code == 201
    first = {"id": "t4", "name": "Ada Byron"}
    assert (await client.post(TARGETS, json=first, headers={"idempotency-key": WORD})).status_code == 201
    with caplog.at_level(logging.DEBUG):
        caplog.clear()
        got: list[tuple[int, str]] = []

        async def ask(expected: int, method: str, path: str, **sent: Any) -> None:
            headers = {"user-agent": WORD, "x-note": WORD} | sent.pop("headers", {})
            response = await client.request(method, path, headers=headers, **sent)
            assert response.status_code == expected, f"{method} {path} {sent}: {response.text}"
            got.append((expected, shown(response)))

        for expected, method, path, sent in requests():
            await ask(expected, method, path, **sent)
        # Answers: the phrase is what must not be said, and what a stream or a refusal says in its place does not repeat it.
        engine.stop_reason = DEAD_END
        for stream in (False, True):
            await ask(200, "POST", CHAT, json=chat(stream=stream))
        engine.stop_reason = None
        encoder.fails = True
        await ask(500, "POST", CHAT, json=chat())
        encoder.fails = False
        service.filter_limit = FilterLimit(1)
        service.filter_limit.note("address 127.0.0.1")
        await ask(429, "POST", CHAT, json=chat())
        service.filter_limit = FilterLimit(1000)
        running, service._running = service._running, None
        for method, path in (("POST", CHAT), ("GET", f"{TARGETS}/{WORD}")):
            await ask(503, method, path, **({"json": chat()} if method == "POST" else {}))
        service._running = running
        await service.running.decisions.write()
        audit = (await client.get("/v1/audit?limit=100")).text
        metrics = service.metrics.text().decode()
        await asyncio.sleep(0)
    assert {status for status, _ in got} >= {400, 404, 409, 422, 429, 500, 503}
    assert [text for _, text in got if WORD in text] == []
    assert WORD not in metrics.lower()
    assert WORD not in audit.lower()
    assert "request.decision" in audit
    # The test's own client logs where it sends a request.
    logged = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert logged
    assert [record.name for record in logged if WORD in (record.getMessage() + str(record.exc_text)).lower()] == []


@pytest.mark.slow
async def test_pol_01_a_client_cannot_tell_a_phrase_by_an_error(client: httpx.AsyncClient) -> None:
    assert (await client.post(TARGETS, json=LISTED)).status_code == 201
    for (expected, method, path, sent), (_, _, innocent, same) in zip(requests(), requests("leakedbelmont"), strict=True):
        if path.startswith((CHAT, TEXT, "/v1/moderations")):
            about = await client.request(method, path, **sent)
            free = await client.request(method, innocent, **same)
            assert about.status_code == free.status_code == expected
            assert about.text == free.text
