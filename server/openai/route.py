"""The routes that generate: read, screen, restrict, hand to the engine, and follow its answer."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from classifiers.verifying.verifier import Verifier
from server.answers.chunk import Form, Step
from server.answers.continuation import PATH, scored
from server.answers.deadends import dead_ends
from server.answers.failures import begun
from server.answers.fanout import Call, fanned
from server.answers.plan import Plan
from server.answers.repair import Repair
from server.answers.repaired import Repaired
from server.answers.reply import Reply, deliver, replied
from server.answers.scores import possible
from server.answers.starved import fed
from server.answers.terms import Unverified
from server.engine.restarts import engine_died
from server.errors import ServerError
from server.http.authentication import client_of
from server.http.body import parse_json, read_body
from server.http.deadline import within
from server.http.disconnect import unless_gone
from server.metrics import Metrics
from server.openai.dialect import Body, Dialect
from server.openai.forms import CompletionForm
from server.openai.telling import Telling
from server.running import Running
from server.screening.conversation import Text
from server.screening.decision import Decision, new_decision_id
from server.screening.screener import Screener
from server.service import Service

DECISION_HEADER = "x-guard-decision-id"
# A body of this many bytes or more is read on a thread.
_LARGE = 8192


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends a request: whom records name, who takes turns with other clients, and the metrics that count for them."""

    actor: str
    client: str
    metrics: Metrics


class GuardedRoute:
    """An ASGI endpoint in front of the engine's route with the same path."""

    def __init__(self, service: Service, dialect: Dialect, *, guarded: bool = True) -> None:
        """Serve `dialect`. Calls from within the process need no key: for them `guarded` is False."""
        self._service = service
        self._dialect = dialect
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises ServerError if it gets no answer."""
        if not self._guarded:
            await self._serve(scope, receive, send, Sender("system", "system", self._service.metrics), self._dialect.telling())
            return
        # Before the body is read: a caller without a key must not keep the server busy with a body.
        principal = await self._service.authenticator.admit(scope, "client")
        client, limit = client_of(principal, scope), self._service.filter_limit
        limit.check(client)
        sender = Sender(principal.key_id, client, self._service.metrics.of(principal.role, lambda: limit.note(client)))
        telling = self._dialect.telling()

        async def serve(send: Send) -> None:
            async with self._service.admission.place(client):
                try:
                    await self._serve(scope, receive, send, sender, telling)
                except ServerError as error:
                    raise telling.refused(error) from None

        await within(self._service.settings.request_timeout, serve, send, self._service.draining, telling.broken)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, sender: Sender, telling: Telling) -> None:
        """Serve a request that has a place."""
        running = self._service.running
        body, texts = await self._read(running, scope, receive, sender, telling)
        async with running.enforcement.admitted() as screener:
            if screener.snapshot.targets or screener.snapshot.always:
                self._dialect.check_under_policy(body)
            started = time.perf_counter()
            parts = self._dialect.texts_by_prompt(body, texts)
            named = new_decision_id()
            decisions = await unless_gone(_decided(screener, parts, named, sender.client), receive)
            seconds = time.perf_counter() - started
            running.decisions.admit()
            with ExitStack() as stack:
                for decision, part in zip(decisions, parts, strict=True):
                    stack.enter_context(running.decisions.answering(decision, sender.actor, seconds, part))
                async with self._reply(running, scope, receive, screener, body, decisions, sender) as reply:
                    try:
                        answer = await begun(reply, self._dialect.prompt_field)
                        await deliver(telling.told(answer), send, {DECISION_HEADER: named})
                    except ServerError as error:
                        # Whatever the engine says when it dies, the client may ask again.
                        told = error if running.engine.alive or error.status < 500 else engine_died()
                        told.headers[DECISION_HEADER] = named
                        raise told from None

    async def _read(
        self, running: Running, scope: Scope, receive: Receive, sender: Sender, telling: Telling
    ) -> tuple[dict[str, Any], list[Text]]:
        """Return the body for the engine, before anything restricts it, and its texts."""
        limits = self._service.settings.limits
        drops = self._service.settings.unknown_fields == "drop"
        headers = Headers(scope=scope)
        raw = await read_body(receive, limits, headers.get("content-length"))

        def read() -> tuple[dict[str, Any], list[Text]]:
            media, coding = headers.get("content-type"), headers.get("content-encoding")
            sent = parse_json(raw, content_type=media, content_encoding=coding, limits=limits, wide=self._dialect.wide)
            body = self._dialect.given(sent, drop_unknown=drops)
            telling.asked(sent)
            texts = self._dialect.read(body, running.engine, self._service.settings.request_limits)
            return self._dialect.passed(body, running.engine), texts

        # A large body takes long to read. A thread reads one at a time, so that other requests need not wait.
        bodies = running.enforcement.lanes.bodies
        return read() if len(raw) < _LARGE else await unless_gone(bodies.run(sender.client, read), receive)

    def _reply(
        self,
        running: Running,
        scope: Scope,
        receive: Receive,
        screener: Screener,
        body: Body,
        decisions: Sequence[Decision],
        sender: Sender,
    ) -> AbstractAsyncContextManager[Reply]:
        """Have the engine answer each prompt under its own decision. Prompts in which nothing was found share one call."""

        def ask(body: Body, decision: Decision, suffix: str = "") -> AbstractAsyncContextManager[Reply]:
            return self._repaired(running, scope, receive, screener, body, decision, sender, suffix)

        if len(decisions) == 1 or not any(decision.matches for decision in decisions):
            return ask(body, decisions[0])
        calls = self._dialect.calls_by_prompt(body, decisions)
        decided = {call.number: decision for call, decision in calls}
        return fanned(lambda call: ask(call.body, decided[call.number], call.suffix), [call for call, _ in calls])

    @asynccontextmanager
    async def _repaired(
        self,
        running: Running,
        scope: Scope,
        receive: Receive,
        screener: Screener,
        body: Body,
        decision: Decision,
        sender: Sender,
        suffix: str,
    ) -> AsyncIterator[Reply]:
        """Have the engine answer a body under one decision. Its request ids end with `suffix`."""
        plan = self._plan(running, screener, decision, body)
        joins = bool(decision.argument) and self._dialect.joins(body, running.engine.readings)
        asked = self._dialect.restricted(
            body, decision, running.engine.dead_end, hits=plan.hits, continues=plan.continues, joins=joins
        )
        async with self._answered(running, scope, receive, asked, decision, sender, suffix) as reply:
            # An error has nothing to repair, and its request may be one that only the engine could read.
            if reply.chunks is not None:
                steps = self._steps(running, scope, receive, asked, plan, sender, suffix, streams=reply.streams)
                reply = reply.after(*steps, *([possible] if scored(body) else []))
            yield reply

    def _plan(self, running: Running, screener: Screener, decision: Decision, body: Body) -> Plan:
        """Return what is to be done with the answers to a request."""
        echoes = bool(body.get("echo"))
        plan = Plan(
            decision=decision,
            snapshot=screener.snapshot,
            restriction=running.enforcement.held.get,
            # The prompt that the answer repeats is no part of it.
            verify=Unverified if echoes else Verifier,
            finish=self._service.settings.filtered_finish,
            hits=False,
            continues=bool(decision.argument) and decision.answered and self._dialect.continues(body),
        )
        tells = bool(decision.argument) and running.engine.tells_hits
        hits = tells and not (echoes or plan.masks or self._dialect.grammatical(body))
        return replace(plan, hits=hits)

    def _steps(
        self,
        running: Running,
        scope: Scope,
        receive: Receive,
        asked: Body,
        plan: Plan,
        sender: Sender,
        named: str,
        *,
        streams: bool,
    ) -> list[Step]:
        """Return the steps of the answer pipeline: none where nothing restricts the answer."""
        engine, metrics = running.engine, sender.metrics
        if not plan.decision.argument:
            return []

        def escalated(target: str) -> None:
            running.decisions.found_in_output(plan.decision, target, sender.actor)

        def ask(body: Body, suffix: str) -> AbstractAsyncContextManager[Reply]:
            return self._asked(running, scope, receive, body, named + suffix, PATH, CompletionForm())

        if not plan.hits and not plan.refused:
            steps, dead_end = [dead_ends(engine.dead_end, metrics)], -1
        else:
            steps, dead_end = [], engine.dead_end
        repair = Repair(
            plan,
            self._dialect.form,
            running.leads,
            dead_end,
            metrics,
            held=not streams,
            escalated=escalated,
            fluency=running.fluency,
        )
        prompts = len(self._dialect.prompts(asked))
        return [*steps, Repaired(repair, asked, ask, engine.context_length, streams=streams, prompts=prompts)]

    def _answered(
        self, running: Running, scope: Scope, receive: Receive, body: Body, decision: Decision, sender: Sender, named: str
    ) -> AbstractAsyncContextManager[Reply]:
        """Have the engine answer a body that `Dialect.restricted` made."""

        def ask(body: Body, suffix: str = "") -> AbstractAsyncContextManager[Reply]:
            return self._asked(running, scope, receive, body, named + suffix, self._dialect.engine_path, self._dialect.form)

        def constrained(call: Call) -> AbstractAsyncContextManager[Reply]:
            return fed(lambda body: ask(body, call.suffix), call.body, self._dialect.silenced, sender.metrics)

        if not (decision.argument and self._dialect.constrained(body)):
            return ask(body)
        # A choice that starves under a grammar makes the engine's whole answer an error, so each choice has a call of its own.
        calls = self._dialect.calls(body)
        return constrained(calls[0]) if len(calls) == 1 else fanned(constrained, calls)

    def _asked(
        self, running: Running, scope: Scope, receive: Receive, body: Body, suffix: str, path: str, form: Form
    ) -> AbstractAsyncContextManager[Reply]:
        """Send a body to one of the engine's routes, whose answers have the form `form`."""
        sent = json.dumps(body, ensure_ascii=False).encode()
        return replied(running.engine.app, _scope({**scope, "path": path}, sent, suffix), _Replay(sent, receive), form)


async def _decided(screener: Screener, parts: Sequence[Sequence[Text]], named: str, client: str) -> list[Decision]:
    """Return the decision about each prompt of a request: `named`, or the prompts of a list `named`-0, `named`-1 and so on."""
    if len(parts) == 1:
        return [await screener.decide(parts[0], named, client)]
    return list(await asyncio.gather(*(screener.decide(part, f"{named}-{at}", client) for at, part in enumerate(parts))))


class _Replay:
    """An ASGI `receive`: it returns the rewritten body, then what the client sends: the engine stops when the client leaves."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(scope: Scope, body: bytes, suffix: str) -> Scope:
    """Return the scope for the engine. It has none of the client's keys and cookies.

    `suffix` makes the request id of one call differ from those of the other calls for the same request.
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
