"""The routes that generate: read, screen, restrict, hand to the engine, and follow its answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from server.answers.deadends import dead_ends
from server.answers.fanout import Call, fanned
from server.answers.reply import Reply, deliver, replied
from server.answers.starved import fed
from server.http.body import parse_json, read_body
from server.http.disconnect import unless_gone
from server.openai.dialect import Body, Dialect
from server.running import Running
from server.screening.conversation import Text
from server.screening.decision import Decision
from server.service import Service

DECISION_HEADER = "x-guard-decision-id"
# Bytes of a body from which on it is read on a thread.
_LARGE = 8192


class GuardedRoute:
    """An ASGI endpoint in front of the engine's route of the same path."""

    def __init__(self, service: Service, dialect: Dialect, *, guarded: bool = True) -> None:
        """`guarded`: whether a key is asked for; calls from within the process need none."""
        self._service = service
        self._dialect = dialect
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises ServerError for what is not to be generated."""
        # Before the body is read: a caller without a key must not keep the server busy with one.
        actor = (await self._service.authenticator.admit(scope, "client")).key_id if self._guarded else "system"
        running = self._service.running
        limits = self._service.settings.limits
        headers = Headers(scope=scope)
        raw = await read_body(receive, limits, headers.get("content-length"))

        def read() -> tuple[dict[str, Any], list[Text]]:
            media, coding = headers.get("content-type"), headers.get("content-encoding")
            body = parse_json(raw, content_type=media, content_encoding=coding, limits=limits)
            return body, self._dialect.read(body, running.engine)

        # Off the event loop, which others wait for, where it takes long.
        body, texts = read() if len(raw) < _LARGE else await asyncio.to_thread(read)
        async with running.enforcement.admitted() as screener:
            started = time.perf_counter()
            decision = await unless_gone(screener.decide(texts), receive)
            seconds = time.perf_counter() - started
            running.decisions.admit()
            with running.decisions.answering(decision, actor, seconds, texts):
                asked = self._dialect.restricted(body, decision, running.engine.dead_end)
                async with self._answered(running, scope, receive, asked, decision) as reply:
                    found = reply.after(dead_ends(running.engine.dead_end, self._service.metrics))
                    await deliver(found, send, {DECISION_HEADER: decision.id})

    def _answered(
        self, running: Running, scope: Scope, receive: Receive, body: Body, decision: Decision
    ) -> AbstractAsyncContextManager[Reply]:
        """Have the engine answer a rewritten body."""

        def ask(body: Body, suffix: str = "") -> AbstractAsyncContextManager[Reply]:
            sent = json.dumps(body, ensure_ascii=False).encode()
            return replied(running.engine.app, _scope(scope, sent, suffix), _Replay(sent, receive), self._dialect.form)

        def constrained(call: Call) -> AbstractAsyncContextManager[Reply]:
            return fed(lambda body: ask(body, call.suffix), call.body, self._dialect.silenced, self._service.metrics)

        if not (decision.argument and self._dialect.constrained(body)):
            return ask(body)
        # A choice that starves under a grammar fails the engine's whole answer, so each choice has a call of its own.
        calls = self._dialect.calls(body)
        return constrained(calls[0]) if len(calls) == 1 else fanned(constrained, calls)


class _Replay:
    """An ASGI `receive` that gives the rewritten body once, then what really comes: a client that leaves ends generation."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(scope: Scope, body: bytes, suffix: str) -> Scope:
    """Return the scope for the engine: of the client's headers, only what names the request. Keys and cookies stay here.

    `suffix` tells one call of several from the others: its request id must not be another's.
    """
    kept = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    kept += [(name, value) for name, value in scope["headers"] if name in (b"user-agent", b"accept")]
    kept += [(name, value + suffix.encode()) for name, value in scope["headers"] if name == b"x-request-id"]
    passed: Mapping[str, Any] = {
        key: scope[key] for key in ("type", "asgi", "http_version", "method", "scheme", "path", "client", "server")
    }
    return {
        **passed,
        "raw_path": scope["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": kept,
        "state": {},
    }
