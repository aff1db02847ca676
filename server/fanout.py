"""One request answered by several calls of the engine, one per choice, whose answers are merged to one.

Under a grammar a choice that starves ends in an error of vLLM's, which takes the request's other choices and prompts with it.
In a call of its own it ends alone. What the client gets has the form of vLLM's own answer: choices in vLLM's order, one id and
one usage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Send

from server.errors import EngineFailure
from server.eventstream import DONE, Events, data_of, event_of, parsed, written

_MOST = 16384  # vLLM's own limit of `n` (VLLM_MAX_N_SEQUENCES): it refuses more, and so does not need to be asked in parts
_GREEDY = 1e-5  # below this temperature vLLM refuses more than one choice
_MAX_SEED = 2**63 - 1
_INTEGER = TypeAdapter(int)

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call for one choice: its number among all choices, the number of its prompt, and the request body."""

    number: int
    prompt: int
    body: Body

    @property
    def suffix(self) -> str:
        """What tells its request id from those of the others."""
        return f"-{self.number}"


Ask = Callable[[Call, Receive, Send], Awaitable[None]]


def calls_of(body: Body) -> list[Call]:
    """Split a request into one call per choice, in the order in which vLLM numbers them: prompt by prompt, `n` of each.

    A seeded choice gets the seed that vLLM gives it: `seed` + k for the kth of a prompt. What vLLM refuses stays in one piece,
    for vLLM to refuse.
    """
    prompt = body.get("prompt")
    prompts = prompt if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else [prompt]
    n, seed = _integer(body.get("n"), 1), _integer(body.get("seed"), -1)
    if n is None or seed is None or not 1 <= n <= _MOST or (n > 1 and _greedy(body.get("temperature"))):
        return [Call(0, 0, body)]
    if len(prompts) == n == 1:
        return [Call(0, 0, body)]
    calls: list[Call] = []
    for at, one in enumerate(prompts):
        for k in range(n):
            own = {**body, "n": 1}
            if "prompt" in body:
                own["prompt"] = one
            if seed != -1:  # vLLM's word for "no seed"
                own["seed"] = _wrapped(seed + k)
            calls.append(Call(len(calls), at, own))
    return calls


def _integer(value: Any, otherwise: int) -> int | None:
    """Read a number as vLLM's request models do; None if they refuse it."""
    if value is None:
        return otherwise
    try:
        return _INTEGER.validate_python(value)
    except ValidationError:
        return None


def _greedy(temperature: Any) -> bool:
    return isinstance(temperature, int | float) and temperature < _GREEDY


def _wrapped(seed: int) -> int:
    """Return the seed in 64 bits: torch takes a negative one for what it is modulo 2**64."""
    return seed if seed <= _MAX_SEED else seed - 2**64


class Fanout:
    """The calls of one request, run at the same time, and their answers merged into `send`.

    An answer that is an error, of whichever call, is the whole answer. In a stream nothing is sent before every call has begun
    one; an error in the middle ends it.
    """

    def __init__(self, calls: Sequence[Call], send: Send) -> None:
        self._calls = calls
        self._send = send
        # Set when the client has left, or the answer is decided: every call that still runs is to end.
        self._gone = asyncio.Event()
        self._left = False
        self._failed: int | None = None
        self._starts: dict[int, Message] = {}
        self._bodies: dict[int, bytes] = {call.number: b"" for call in calls}
        # Of a stream.
        self._sending = asyncio.Lock()
        self._open = False
        self._waiting = b""
        self._events = {call.number: Events() for call in calls}
        self._broken = False
        self._identity: dict[str, Any] = {}
        self._last: dict[int, Mapping[str, Any]] = {}

    async def run(self, ask: Ask, receive: Receive) -> None:
        """Make all calls by `ask`, and send what comes of them. A client that leaves, by `receive`, ends them all.

        Raises EngineFailure for answers that cannot be merged, and what `ask` raises.
        """
        watch = asyncio.create_task(self._watch(receive))
        calls = [asyncio.create_task(self._run(ask, call)) for call in self._calls]
        try:
            done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_EXCEPTION)
            for call in done:
                call.result()
            if not self._left:
                await self._finish()
        finally:
            # Not cancelled: vLLM frees what a request holds when it hears that the client has left.
            self._gone.set()
            watch.cancel()
            await asyncio.gather(watch, *calls, return_exceptions=True)

    async def _run(self, ask: Ask, call: Call) -> None:
        await ask(call, self._departure, partial(self._take, call))

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._gone.set()

    async def _departure(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _take(self, call: Call, message: Message) -> None:
        """Take one ASGI message of one call's answer."""
        number = call.number
        if self._gone.is_set() and number != self._failed:
            return
        if message["type"] == "http.response.start":
            self._starts[number] = message
            if message["status"] != 200:
                self._failed = number
                self._gone.set()
            elif len(self._starts) == len(self._calls) and self._streams:
                await self._begin()
        elif message["type"] == "http.response.body":
            if not self._streams or number == self._failed:
                self._bodies[number] += message.get("body", b"")
                return
            more = message.get("more_body", False)
            events = self._events[number].feed(message.get("body", b""), more=more)
            await self._emit(b"".join(self._event(call, event) for event in events))

    @property
    def _streams(self) -> bool:
        kinds = [MutableHeaders(raw=start["headers"]).get("content-type", "") for start in self._starts.values()]
        return all(kind.startswith("text/event-stream") for kind in kinds)

    async def _begin(self) -> None:
        async with self._sending:
            await self._send(self._starts[0])
            self._open = True
        await self._emit(b"")

    async def _emit(self, out: bytes) -> None:
        self._waiting += out
        async with self._sending:
            if self._open and self._waiting:
                out, self._waiting = self._waiting, b""
                await self._send({"type": "http.response.body", "body": out, "more_body": True})

    def _event(self, call: Call, event: bytes) -> bytes:
        """Return what the client gets of one call's event now."""
        if self._broken:
            return b""
        data = data_of(event)
        if data is None:
            return event + b"\n\n"
        if data == DONE:
            return b""
        chunk = parsed(data)
        if "error" in chunk:
            self._broken = True
            self._gone.set()
            return event_of(data)
        if not chunk.get("choices"):
            self._last[call.number] = chunk
            return b""
        return event_of(written(self._renamed(call, chunk)))

    def _renamed(self, call: Call, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return a call's answer or chunk under the one identity of all, its choice with its own number."""
        if not self._identity:
            self._identity = {key: answer[key] for key in ("id", "created") if key in answer}
            if "id" in answer:
                self._identity["id"] = answer["id"].removesuffix(call.suffix)
        if len(answer["choices"]) > 1:
            raise EngineFailure(f"the engine gave {len(answer['choices'])} choices where one was asked for")
        return {**answer, **self._identity, "choices": [{**choice, "index": call.number} for choice in answer["choices"]]}

    async def _finish(self) -> None:
        if self._failed is not None:
            await self._whole(self._starts[self._failed], self._bodies[self._failed])
        elif self._open:
            out = b""
            if len(self._last) == len(self._calls) and not self._broken:
                chunks = [self._last[call.number] for call in self._calls]
                out = event_of(written({**chunks[0], **self._identity, **self._total(chunks)}))
            out += event_of(DONE)
            await self._send({"type": "http.response.body", "body": out, "more_body": False})
        elif len(self._starts) == len(self._calls):
            answers = [self._renamed(call, parsed(self._bodies[call.number])) for call in self._calls]
            choices = [choice for answer in answers for choice in answer["choices"]]
            await self._whole(self._starts[0], written({**answers[0], "choices": choices, **self._total(answers)}))
        else:
            raise EngineFailure("the engine left a call without an answer")

    async def _whole(self, start: Message, body: bytes) -> None:
        MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    def _total(self, answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the usage of all, as vLLM counts it: a prompt's tokens once, whatever the number of its choices."""
        usages = [answer.get("usage") for answer in answers]
        known = [usage for usage in usages if usage]
        if not known or len(known) < len(usages):
            return {}
        by_prompt = {call.prompt: usage["prompt_tokens"] for call, usage in zip(self._calls, known, strict=True)}
        prompts, said = sum(by_prompt.values()), sum(usage["completion_tokens"] for usage in known)
        usage = {**known[0], "prompt_tokens": prompts, "completion_tokens": said, "total_tokens": prompts + said}
        details = [usage["completion_tokens_details"] for usage in known if usage.get("completion_tokens_details")]
        if details:
            reasoning = sum(each.get("reasoning_tokens") or 0 for each in details)
            usage["completion_tokens_details"] = {**details[0], "reasoning_tokens": reasoning}
        # Measurements of one generation say nothing about several: vLLM leaves them out then.
        return {"usage": usage, "metrics": None} if "metrics" in answers[0] else {"usage": usage}
