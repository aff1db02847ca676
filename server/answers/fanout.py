"""Fan-out: several calls of the engine for one request, and one answer made of theirs.

Under a grammar a choice may starve (`server.answers.starved`). vLLM then answers with an error, and the request's other choices
and prompts are lost too. Where each choice has a call of its own, only the choice that starves ends. The prompts of a list have
calls of their own where the guard does different things with them. The client gets the same answer as from vLLM: the choices in
vLLM's order, one id, one usage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from server.answers.chunk import Chunk, Chunks
from server.answers.reply import Reply, only, single
from server.errors import EngineFailure

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call for one choice, or for some.

    Attributes:
        number: The number of its first choice among all choices of the request.
        prompt: The number of its first prompt.
        body: The body of the call.
        numbers: The numbers of all its choices, in the order of the call's own answer; () if it has one.
        mark: What its request id has before the number, so that calls made of a call have other ids.
    """

    number: int
    prompt: int
    body: Body
    numbers: Sequence[int] = ()
    mark: str = ""

    @property
    def suffix(self) -> str:
        """The end of its request id, which no other call for the same request has."""
        return f"-{self.mark}{self.number}"

    @property
    def choices(self) -> Sequence[int]:
        """The numbers of its choices among all choices of the request."""
        return self.numbers or (self.number,)


Ask = Callable[[Call], AbstractAsyncContextManager[Reply]]


@asynccontextmanager
async def fanned(ask: Ask, calls: Sequence[Call]) -> AsyncIterator[Reply]:
    """Make all calls at the same time with `ask`, and yield their answers as one reply.

    If the reply to any call is an error, that error is the whole reply. An error in the middle of a stream ends the stream. The
    calls end when the block ends.

    Raises:
        EngineFailure: The answers cannot be merged.
        Exception: What `ask` raises.
    """
    async with AsyncExitStack() as stack:
        replies = await _replies(stack, ask, calls)
        if replies[0].chunks is None:
            yield replies[0]
        elif any(reply.streams != replies[0].streams for reply in replies):
            raise EngineFailure("the engine streamed some answers to the calls of one request and did not stream others")
        elif replies[0].streams:
            yield replace(replies[0], chunks=_merged(calls, [reply.answered for reply in replies]))
        else:
            wholes = await asyncio.gather(*(only(reply.answered) for reply in replies))
            yield replace(replies[0], chunks=single(_joined(calls, wholes)))


async def _replies(stack: AsyncExitStack, ask: Ask, calls: Sequence[Call]) -> list[Reply]:
    """Make all calls and return their replies. If one is an error, return only that one and end the other calls.

    Raises:
        Exception: What a call raises.
    """
    begun = [asyncio.create_task(_entered(ask(call))) for call in calls]
    try:
        for next_one in asyncio.as_completed(begun):
            _, reply = await next_one
            if reply.chunks is None:
                return [reply]
        return [task.result()[1] for task in begun]
    finally:
        for task in begun:
            task.cancel()
        for outcome in await asyncio.gather(*begun, return_exceptions=True):
            if not isinstance(outcome, BaseException):
                stack.push_async_exit(outcome[0])


async def _entered(call: AbstractAsyncContextManager[Reply]) -> tuple[AbstractAsyncContextManager[Reply], Reply]:
    return call, await call.__aenter__()


class _Identity:
    """The id and the time in all chunks of the merged answer: those of the first call, without its suffix."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}

    def named(self, call: Call, body: Body) -> dict[str, Any]:
        """Return the body of a chunk of one call with the shared id and time."""
        if not self._shared:
            self._shared = {key: body[key] for key in ("id", "created") if key in body}
            if "id" in body:
                self._shared["id"] = body["id"].removesuffix(call.suffix)
        return {**body, **self._shared}


def _numbered(call: Call, chunk: Chunk, identity: _Identity) -> Chunk:
    """Return a chunk of one call with the numbers that its choices have in the merged answer."""
    if len(chunk.pieces) > len(call.choices) or any(piece.choice >= len(call.choices) for piece in chunk.pieces):
        raise EngineFailure(f"the engine returned {len(chunk.pieces)} choices to a request for {len(call.choices)}")
    pieces = [replace(piece, choice=call.choices[piece.choice]) for piece in chunk.pieces]
    return chunk.with_body(chunk.form.write(identity.named(call, chunk.body), pieces))


def _joined(calls: Sequence[Call], answers: Sequence[Chunk]) -> Chunk:
    identity = _Identity()
    numbered = [_numbered(call, answer, identity) for call, answer in zip(calls, answers, strict=True)]
    pieces = sorted((piece for answer in numbered for piece in answer.pieces), key=lambda piece: piece.choice)
    body = {**numbered[0].body, **_total(calls, [answer.body for answer in numbered])}
    return numbered[0].with_body(numbered[0].form.write(body, pieces))


async def _merged(calls: Sequence[Call], streams: Sequence[Chunks]) -> Chunks:
    """Yield the chunks of all streams as they arrive, and the usage of all at the end."""
    identity = _Identity()
    counted: dict[int, Chunk] = {}
    async with aclosing(_interleaved(streams)) as interleaved:
        async for at, chunk in interleaved:
            if chunk.error is not None:
                yield chunk
                return
            if chunk.pieces:
                yield _numbered(calls[at], chunk, identity)
            else:
                counted[at] = chunk
    if len(counted) == len(calls):
        bodies = [counted[at].body for at in range(len(calls))]
        yield counted[0].with_body({**identity.named(calls[0], bodies[0]), **_total(calls, bodies)})


async def _interleaved(streams: Sequence[Chunks]) -> AsyncGenerator[tuple[int, Chunk], None]:
    """Give the chunks of all streams, each with the number of its stream, in the order in which they come."""
    # One chunk per stream may wait, so that no stream runs ahead of the client.
    waiting: asyncio.Queue[tuple[int, Chunk | None]] = asyncio.Queue(len(streams))

    async def drain(at: int, stream: Chunks) -> None:
        try:
            async for chunk in stream:
                await waiting.put((at, chunk))
        finally:
            # After a cancellation nothing reads the queue any more.
            if not asyncio.current_task().cancelling():  # type: ignore[union-attr]
                await waiting.put((at, None))

    tasks = [asyncio.create_task(drain(at, stream)) for at, stream in enumerate(streams)]
    try:
        going = len(tasks)
        while going:
            at, chunk = await waiting.get()
            if chunk is not None:
                yield at, chunk
                continue
            await tasks[at]
            going -= 1
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _total(calls: Sequence[Call], answers: Sequence[Body]) -> dict[str, Any]:
    """Return the usage of all calls. Like vLLM, it counts the tokens of a prompt once, whatever the number of its choices."""
    known = [usage for answer in answers if (usage := answer.get("usage"))]
    if not known or len(known) < len(answers):
        return {}
    by_prompt = {call.prompt: usage["prompt_tokens"] for call, usage in zip(calls, known, strict=True)}
    prompts, said = sum(by_prompt.values()), sum(usage["completion_tokens"] for usage in known)
    usage = {**known[0], "prompt_tokens": prompts, "completion_tokens": said, "total_tokens": prompts + said}
    details = [usage["completion_tokens_details"] for usage in known if usage.get("completion_tokens_details")]
    if details:
        reasoning = sum(each.get("reasoning_tokens") or 0 for each in details)
        usage["completion_tokens_details"] = {**details[0], "reasoning_tokens": reasoning}
    # They measure one generation. vLLM leaves them out of an answer with several choices.
    return {"usage": usage, "metrics": None} if "metrics" in answers[0] else {"usage": usage}
