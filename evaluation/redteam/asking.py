"""Sends attacks to a server, by its address or in this process, and reads everything that comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx
from starlette.types import ASGIApp

from evaluation.redteam.attack import Sent, strings

TIMEOUT_S = 180.0
# A choice's fields that say nothing: names of kinds and roles, why it ended.
_FORM = {"index", "role", "finish_reason", "stop_reason", "type", "id", "object", "created", "model", "usage", "obfuscation"}


@dataclass(frozen=True)
class Given:
    """What a server answered.

    Attributes:
        status: The HTTP status; 0 if there was no answer at all.
        texts: For each choice all its texts: content, reasoning, arguments of tools, tokens of log probabilities.
        filtered: For each choice whether it ended with `content_filter`.
        code: The code of an error, or its type.
        flagged: Whether a verdict about a text flags it.
    """

    status: int
    texts: list[str] = field(default_factory=list)
    filtered: list[bool] = field(default_factory=list)
    code: str = ""
    flagged: bool = False

    @property
    def fault(self) -> bool:
        """Whether the server failed."""
        return self.status == 0 or self.status >= 500

    @property
    def refused(self) -> bool:
        """Whether the server refused the request."""
        return 400 <= self.status < 500

    def mapping(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


class Server:
    """A server under attack.

    Args:
        url: Its address without `/v1`, such as "http://127.0.0.1:8000".
        key: The key with which to call it; empty for none.
        app: The server's application in this process: `url` is then only what it is called.
    """

    def __init__(self, url: str = "http://localhost", key: str = "", app: ASGIApp | None = None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=("127.0.0.1", 0)) if app else None
        self.client = httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S, transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def ask(self, sent: Sent) -> Given:
        """Send a request and return what came back; a server that does not answer is a fault, not an error."""
        try:
            response = await self.client.send(self._request(sent))
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            return Given(0, code=type(error).__name__)
        return read(response.status_code, response.headers.get("content-type", ""), response.content)

    def _request(self, sent: Sent) -> httpx.Request:
        content: Any = sent.content
        headers = dict(sent.headers)
        if sent.body is not None:
            content = json.dumps(sent.body).encode()
            headers = {"content-type": "application/json", **headers}
        return self.client.build_request(
            sent.method, sent.path, content=_chunks(content) if sent.chunked else content, headers=headers
        )


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 7):
        yield content[at : at + 7]
        await asyncio.sleep(0)


def read(status: int, content_type: str, content: bytes) -> Given:
    """Return what an answer says, be it JSON, a stream of events, or anything else."""
    text = content.decode("utf-8", "replace")
    if "event-stream" in content_type:
        return _of_events(status, text)
    try:
        value = json.loads(text)
    except ValueError:
        return Given(status, [text] if text else [], [False] if text else [])
    if not isinstance(value, dict):
        return Given(status, ["\n".join(strings(value))], [False])
    error = value.get("error")
    if status >= 400:
        told = error if isinstance(error, dict) else {}
        # What an error says could repeat a secret, too.
        return Given(status, ["\n".join(strings(value))], [False], str(told.get("code") or told.get("type") or ""))
    choices = value.get("choices")
    if isinstance(choices, list) and all(isinstance(choice, dict) for choice in choices):
        texts = ["\n".join(said(choice)) for choice in choices]
        return Given(status, texts, [choice.get("finish_reason") == "content_filter" for choice in choices])
    results = value.get("results")
    flagged = isinstance(results, list) and any(isinstance(one, dict) and bool(one.get("flagged")) for one in results)
    texts = ["\n".join(_values(value))]
    return Given(status, texts, [value.get("stop_reason") in ("refusal", "content_filter")], flagged=flagged)


def said(choice: dict[str, Any]) -> Iterator[str]:
    """Yield all that a choice says: each text in it, the tokens of log probabilities joined, arguments of tools as they read."""
    for name, value in choice.items():
        if name == "logprobs" and isinstance(value, dict):
            yield from _scored(value)
        elif name not in _FORM:
            yield from _values(value)


def _scored(scores: dict[str, Any]) -> Iterator[str]:
    listed = scores.get("content") or scores.get("tokens") or []
    yield "".join(str(one.get("token", "")) if isinstance(one, dict) else str(one) for one in listed)
    for alternatives in (
        *(one.get("top_logprobs") for one in listed if isinstance(one, dict)),
        *(scores.get("top_logprobs") or ()),
    ):
        for one in alternatives or ():
            yield str(one.get("token", "")) if isinstance(one, dict) else str(one)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, held in value.items():
            if name not in _FORM:
                yield from _values(held)
    elif isinstance(value, list):
        for held in value:
            yield from _values(held)
    elif isinstance(value, str) and value:
        yield value
        if value.lstrip().startswith(("{", "[", '"')):
            with suppress(ValueError):
                yield from strings(json.loads(value))


def _of_events(status: int, text: str) -> Given:
    parts: dict[int, dict[str, list[str]]] = {}
    filtered: dict[int, bool] = {}
    loose: list[str] = []
    code = ""
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or not data.startswith("{"):
            continue
        event = json.loads(data)
        if isinstance(event.get("error"), dict):
            status, code = 500, str(event["error"].get("code") or event["error"].get("type") or "")
        if not isinstance(event.get("choices"), list):
            loose += [value for value in (event.get("delta"), event.get("text")) for value in _values(value)]
            continue
        for choice in event["choices"]:
            index = choice.get("index", 0)
            held = parts.setdefault(index, {})
            for place, value in _placed(choice):
                held.setdefault(place, []).append(value)
            filtered[index] = filtered.get(index, False) or choice.get("finish_reason") == "content_filter"
    texts = ["\n".join("".join(held[place]) for place in held) for _, held in sorted(parts.items())]
    return Given(status, texts or (["".join(loose)] if loose else []), [filtered[at] for at in sorted(filtered)] or [False], code)


def _placed(choice: dict[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of one piece of a stream with their places: the pieces of one place belong together."""
    for name, value in choice.items():
        here = f"{place}.{name}"
        if name == "logprobs" and isinstance(value, dict):
            tokens, *others = _scored(value)
            yield f"{here}.tokens", tokens
            for other in others:
                yield f"{here}.others", f"{other}\n"
        elif isinstance(value, dict):
            yield from _placed(value, here)
        elif isinstance(value, list):
            for at, held in enumerate(value):
                if isinstance(held, dict):
                    yield from _placed(held, f"{here}[{held.get('index', at)}]")
                elif isinstance(held, str):
                    yield here, held
        elif isinstance(value, str) and name not in _FORM:
            yield here, value
