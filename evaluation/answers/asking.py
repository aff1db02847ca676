"""Asks a server or an engine in this process: whole answers with their usage, and streams with their times."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp, Message
from tqdm import tqdm

from server.engine.call import called
from server.engine.protocol import json_of
from server.errors import EngineFailure

PATH = "/v1/chat/completions"
UNGUARDED = {"vllm_xargs": {"guard": []}}
"""What a body needs that goes to the engine itself: nothing is banned."""

LONGEST_S = 900.0
"""Seconds after which a question has no answer. An engine whose process is gone may never say so."""

_ROLLBACKS = re.compile(rb"^guard_\w*rollback\w*_total(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Given:
    """One answer.

    Attributes:
        text: What it says.
        finish_reason: Why it ends.
        tokens: Tokens that were generated for it, the dropped ones among them.
        dropped: Tokens that were generated and are not in it.
    """

    text: str
    finish_reason: str
    tokens: int
    dropped: int


@dataclass(frozen=True)
class Timed:
    """The times of one streamed answer, in seconds.

    Attributes:
        first_s: Until the first text.
        total_s: Until the end.
        tokens: As in `Given`.
        dropped: As in `Given`.
        rollbacks: How often the server went back, as its metrics count it; 0 where they do not.
        pauses: For each time that the engine went on after the server went back, the seconds until its first piece.
    """

    first_s: float
    total_s: float
    tokens: int
    dropped: int
    rollbacks: int
    pauses: list[float] = field(default_factory=list)


def body_of(model: str, question: str, tokens: int, system: str | None = None, **others: Any) -> dict[str, Any]:
    """Return the body of a chat request: greedy, of at most `tokens` tokens, with a system prompt if `system` is one."""
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": question})
    return {"model": model, "messages": messages, "max_tokens": tokens, "temperature": 0, **others}


async def ask(app: ASGIApp, body: dict[str, Any]) -> list[Given]:
    """Return the answers to a body, one for each choice; each has an equal part of the usage.

    Raises:
        EngineFailure: The server failed, or did not answer for `LONGEST_S`.
    """
    try:
        answer = await asyncio.wait_for(json_of(app, "POST", PATH, body), LONGEST_S)
    except TimeoutError:
        raise EngineFailure(f"no answer to POST {PATH} for {LONGEST_S:.0f} seconds: look whether the engine still runs") from None
    tokens, dropped = counted(answer["usage"])
    choices = answer["choices"]
    tokens, dropped = tokens // len(choices), dropped // len(choices)
    return [Given(one["message"].get("content") or "", one.get("finish_reason") or "", tokens, dropped) for one in choices]


async def ask_all(app: ASGIApp, bodies: Sequence[dict[str, Any]], label: str, at_once: int = 16) -> list[list[Given]]:
    """Return the answers to each body, in order; progress goes to stderr."""
    slots = asyncio.Semaphore(at_once)
    with tqdm(total=len(bodies), desc=label, file=sys.stderr) as progress:

        async def one(body: dict[str, Any]) -> list[Given]:
            async with slots:
                given = await ask(app, body)
            progress.update()
            return given

        return await asyncio.gather(*(one(body) for body in bodies))


async def import_policy(app: ASGIApp, policy: str) -> None:
    """Import the targets of a policy file (YAML) into a server, and return when they are enforced. Raises EngineFailure."""
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 0))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client:  # noqa: S113
        headers = {"content-type": "application/yaml"}
        response = await client.post("/v1/forget-targets:import", content=policy.encode(), headers=headers)
    if response.status_code != 200:
        raise EngineFailure(f"the server answered an import with status {response.status_code}: {response.text[:500]}")


async def timed(app: ASGIApp, body: dict[str, Any], metrics: Callable[[], bytes] = bytes) -> Timed:
    """Stream one answer and return its times.

    Args:
        app: The server or the engine.
        body: The request, without `stream`.
        metrics: Returns the server's metrics in Prometheus' text format.

    Raises:
        EngineFailure: The status is not 200, or the answer has no usage.
    """
    content = json.dumps({**body, "stream": True, "stream_options": {"include_usage": True}}).encode()
    before = rollbacks(metrics())
    started = time.perf_counter()
    first: float | None = None
    usage: dict[str, Any] | None = None
    async with called(app, _scope(len(content)), _receiver(content)) as answer:
        if answer.status != 200:
            raise EngineFailure(f"the engine answered POST {PATH} with status {answer.status}")
        buffer = b""
        async for part in answer.parts:
            arrived = time.perf_counter() - started
            *events, buffer = (buffer + part).split(b"\n\n")
            for event in events:
                data = event.removeprefix(b"data: ").strip()
                if not data.startswith(b"{"):
                    continue
                chunk = json.loads(data)
                usage = chunk.get("usage") or usage
                if first is None and any(choice["delta"].get("content") for choice in chunk["choices"]):
                    first = arrived
        total = time.perf_counter() - started
    if usage is None:
        raise EngineFailure("the stream had no usage")
    tokens, dropped = counted(usage)
    return Timed(total if first is None else first, total, tokens, dropped, rollbacks(metrics()) - before)


def counted(usage: dict[str, Any]) -> tuple[int, int]:
    """Return the tokens that were generated, and the dropped ones among them."""
    details = usage.get("completion_tokens_details") or {}
    return usage["completion_tokens"], details.get("rejected_prediction_tokens") or 0


def rollbacks(metrics: bytes) -> int:
    """Return the sum of all counters of rollbacks in Prometheus' text format; 0 if there is none."""
    return round(sum(float(value) for value in _ROLLBACKS.findall(metrics)))


def _scope(length: int) -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", str(length).encode())]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        # As `server.engine.protocol.request` does: a client on this machine needs no key as long as none exists.
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }


def _receiver(content: bytes) -> Callable[[], Any]:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            await asyncio.Event().wait()  # the client stays until the answer is complete
        sent = True
        return {"type": "http.request", "body": content, "more_body": False}

    return receive
