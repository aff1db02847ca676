"""The routes that generate: read, screen, restrict, and hand to the engine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from guard.processors.arguments import KEY, NAME, REFUSE
from server.errors import BadRequest
from server.fanout import Call, Fanout, calls_of
from server.http.body import parse_json, read_body
from server.openai.answer import AnswerFilter
from server.openai.fields import Route, forwarded, refuse
from server.openai.texts import texts_of_chat, texts_of_completion
from server.screening.conversation import Text
from server.screening.decision import Decision
from server.service import Service

DECISION_HEADER = "x-guard-decision-id"
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
        body = parse_json(
            raw,
            content_type=headers.get("content-type"),
            content_encoding=headers.get("content-encoding"),
            limits=self._service.settings.limits,
        )
        refuse(body, self._route)
        async with running.enforcement.admitted() as screener:
            texts = self._texts(body)
            started = time.perf_counter()
            decision = await screener.decide(texts)
            seconds = time.perf_counter() - started
            running.decisions.admit()
            with running.decisions.answering(decision, actor, seconds, texts):
                await self._generate(scope, receive, send, body, decision)

    async def _generate(self, scope: Scope, receive: Receive, send: Send, body: dict[str, Any], decision: Decision) -> None:
        rewritten = self._rewritten(body, decision)
        headers = {DECISION_HEADER: decision.id}
        if not (decision.argument and any(rewritten.get(field) for field in _CONSTRAINTS)):
            await self._ask(scope, receive, self._filter(send, headers), rewritten)
            return

        async def ask(call: Call, receive: Receive, send: Send) -> None:
            await self._constrained(_named(scope, call.suffix), receive, send, headers, call.body)

        calls = calls_of(rewritten)
        if len(calls) == 1:
            await self._constrained(scope, receive, send, headers, rewritten)
        else:
            await Fanout(calls, send).run(ask, receive)

    async def _constrained(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], body: dict[str, Any]
    ) -> None:
        """Ask for one choice under a grammar."""
        options = body.get("stream_options")
        hides = False
        if isinstance(options, dict) and options.get("include_usage") is True and not options.get("continuous_usage_stats"):
            # The usage of a choice that ends in an error is known only by the chunk before.
            body = {**body, "stream_options": {**options, "continuous_usage_stats": True}}
            hides = True
        answer = self._filter(send, headers, constrained=True, hides_usage=hides)
        await self._ask(scope, receive, answer, body)
        if answer.starved:
            # Nothing was left to say under both the grammar and the guard: the same request, unconstrained, with nothing to say.
            body = {field: value for field, value in body.items() if field not in _CONSTRAINTS}
            body["vllm_xargs"] = {KEY: [REFUSE]}
            again = self._filter(send, headers, hides_usage=hides, continues=answer)
            await self._ask(scope, receive, again, body)

    def _filter(self, send: Send, headers: Mapping[str, str], **how: Any) -> AnswerFilter:
        return AnswerFilter(send, headers, self._service.running.engine.dead_end, self._service.metrics, **how)

    async def _ask(self, scope: Scope, receive: Receive, answer: AnswerFilter, body: dict[str, Any]) -> None:
        sent = json.dumps(body, ensure_ascii=False).encode()
        await self._service.running.engine.app(_scope(scope, sent), _Replay(sent, receive), answer)

    def _texts(self, body: dict[str, Any]) -> list[Text]:
        if self._route == "chat":
            return texts_of_chat(body)
        engine = self._service.running.engine
        return texts_of_completion(body, engine.decode, vocabulary=engine.vocabulary)

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


def _named(scope: Scope, suffix: str) -> Scope:
    """Return the scope of one call of several: its request id must not be another's."""
    name = b"x-request-id"
    return {**scope, "headers": [(key, value + suffix.encode() if key == name else value) for key, value in scope["headers"]]}


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
