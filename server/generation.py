"""The routes that generate: read, screen, restrict, and hand to the engine."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from guard.processors.arguments import KEY, NAME, REFUSE
from server.answer import AnswerFilter
from server.body import parse_json, read_body
from server.decision import Decision
from server.disconnect import unless_gone
from server.errors import BadRequest
from server.promptlength import check_prompt, check_texts
from server.refusals import Route, forwarded, refuse
from server.service import Service
from server.texts import Text, texts_of_chat, texts_of_completion

DECISION_HEADER = "x-guard-decision-id"
# Bytes of a body from which on it is read on a thread.
_LARGE = 8192
# What makes vLLM constrain an answer by a grammar.
_CONSTRAINTS = ("response_format", "structured_outputs", "tools", "tool_choice", "parallel_tool_calls")


class GuardedRoute:
    """An ASGI endpoint in front of the engine's route of the same path."""

    def __init__(self, service: Service, route: Route, *, guarded: bool = True) -> None:
        """`guarded`: whether a key is asked for; calls from within the process need none."""
        self._service = service
        self._route = route
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises ServerError for what is not to be generated."""
        # Before the body is read: whoever has no key is not to keep the server busy with one.
        actor = (await self._service.authenticator.admit(scope, "client")).key_id if self._guarded else "system"
        running = self._service.running
        headers = Headers(scope=scope)
        raw = await read_body(receive, self._service.settings.limits, headers.get("content-length"))
        # Off the event loop, which others wait for, where it takes long.
        body, texts = self._texts(raw, headers) if len(raw) < _LARGE else await asyncio.to_thread(self._texts, raw, headers)
        async with running.enforcement.admitted() as screener:
            started = time.perf_counter()
            decision = await unless_gone(screener.decide(texts), receive)
            seconds = time.perf_counter() - started
            running.decisions.admit()
            with running.decisions.answering(decision, actor, seconds, texts):
                await self._generate(scope, receive, send, body, decision)

    async def _generate(self, scope: Scope, receive: Receive, send: Send, body: dict[str, Any], decision: Decision) -> None:
        running = self._service.running
        rewritten = self._rewritten(body, decision)
        constrained = bool(decision.argument) and any(rewritten.get(field) for field in _CONSTRAINTS)
        answer = AnswerFilter(
            send, {DECISION_HEADER: decision.id}, running.engine.dead_end, self._service.metrics, constrained=constrained
        )
        await self._ask(scope, receive, answer, rewritten)
        if answer.starved:
            # Nothing was left to say under both the grammar and the guard: the same request, unconstrained, with nothing to say.
            for field in _CONSTRAINTS:
                rewritten.pop(field, None)
            rewritten["vllm_xargs"] = {KEY: [REFUSE]}
            again = AnswerFilter(send, {DECISION_HEADER: decision.id}, running.engine.dead_end, self._service.metrics)
            await self._ask(scope, receive, again, rewritten)

    async def _ask(self, scope: Scope, receive: Receive, answer: AnswerFilter, body: dict[str, Any]) -> None:
        sent = json.dumps(body, ensure_ascii=False).encode()
        await self._service.running.engine.app(_scope(scope, sent), _Replay(sent, receive), answer)

    def _texts(self, raw: bytes, headers: Headers) -> tuple[dict[str, Any], list[Text]]:
        """Return a request's body and its texts. Raises ServerError for one that is not to be screened."""
        limits = self._service.settings.limits
        kind, coding = headers.get("content-type"), headers.get("content-encoding")
        body = parse_json(raw, content_type=kind, content_encoding=coding, limits=limits)
        refuse(body, self._route)
        engine = self._service.running.engine
        if self._route == "chat":
            texts = texts_of_chat(body)
        else:
            texts = texts_of_completion(body, engine.decode, vocabulary=engine.vocabulary)
        check_prompt(body, self._route, engine)
        check_texts(texts, engine.context_length, "messages" if self._route == "chat" else "prompt")
        return body, texts

    def _rewritten(self, body: dict[str, Any], decision: Decision) -> dict[str, Any]:
        """Return what the engine gets: the restrictions are the server's alone to name."""
        rewritten = forwarded(body, self._route)
        rewritten["vllm_xargs"] = {KEY: decision.argument} | ({NAME: decision.id} if decision.counted else {})
        if decision.argument:
            stops = rewritten.get("stop_token_ids") or []
            if not isinstance(stops, Sequence) or isinstance(stops, str):
                raise BadRequest("`stop_token_ids` must be a list of integers.", param="stop_token_ids", code="invalid_value")
            rewritten["stop_token_ids"] = [*stops, self._service.running.engine.dead_end]
        return rewritten


class _Replay:
    """An ASGI `receive` that gives the rewritten body once, then what really comes: a client that goes away ends generation."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(scope: Scope, body: bytes) -> Scope:
    """Return the scope for the engine: of the client's headers, only what names the request. Keys and cookies stay here."""
    kept = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    kept += [(name, value) for name, value in scope["headers"] if name in (b"x-request-id", b"user-agent", b"accept")]
    return {
        **{key: scope[key] for key in ("type", "asgi", "http_version", "method", "scheme", "path", "client", "server")},
        "raw_path": scope["path"].encode(),
        "query_string": b"",
        "root_path": "",
        "headers": kept,
        "state": {},
    }
