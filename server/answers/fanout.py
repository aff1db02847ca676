"""One request answered by several calls of the engine, one per choice, whose answers become one.

Under a grammar a choice that starves ends in an error of vLLM's, which takes the request's other choices and prompts with it.
In a call of its own it ends alone. The client gets what vLLM's own answer has: choices in vLLM's order, one id, one usage.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from server.answers.chunk import Chunk, Chunks
from server.answers.reply import Reply, single
from server.errors import EngineFailure

Body = Mapping[str, Any]


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


Ask = Callable[[Call], AbstractAsyncContextManager[Reply]]


@asynccontextmanager
async def fanned(ask: Ask, calls: Sequence[Call]) -> AsyncIterator[Reply]:
    """Make all calls at the same time by `ask`, and yield their answers as one reply.

    A reply that is an error, of whichever call, is the whole reply. In a stream an error in the middle ends it. The calls end
    with the block. Raises EngineFailure for answers that cannot be merged, and what `ask` raises.
    """
    async with AsyncExitStack() as stack:
        replies = await _replies(stack, ask, calls)
        if replies[0].chunks is None:
            yield replies[0]
        elif any(reply.streams != replies[0].streams for reply in replies):
            raise EngineFailure("the engine streamed some of the answers to one request and not the others")
        elif replies[0].streams:
            yield replace(replies[0], chunks=_merged(calls, [reply.answered for reply in replies]))
        else:
            wholes = await asyncio.gather(*(_only(reply.answered) for reply in replies))
            yield replace(replies[0], chunks=single(_joined(calls, wholes)))


async def _replies(stack: AsyncExitStack, ask: Ask, calls: Sequence[Call]) -> list[Reply]:
    """Make all calls; the first error ends the others and is returned alone. Raises what the first raises that raises."""
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


async def _only(chunks: Chunks) -> Chunk:
    found = [chunk async for chunk in chunks]
    if len(found) != 1:
        raise EngineFailure(f"a whole answer has {len(found)} chunks")
    return found[0]


class _Identity:
    """The id and the time that all choices share: the first call's, without its suffix."""

    def __init__(self) -> None:
        self._shared: dict[str, Any] = {}

    def named(self, call: Call, body: Body) -> dict[str, Any]:
        """Return an answer or chunk of one call under the shared identity."""
        if not self._shared:
            self._shared = {key: body[key] for key in ("id", "created") if key in body}
            if "id" in body:
                self._shared["id"] = body["id"].removesuffix(call.suffix)
        return {**body, **self._shared}


def _numbered(call: Call, chunk: Chunk, identity: _Identity) -> Chunk:
    """Return a chunk of one call as one of the whole: its choice has its number among all."""
    if len(chunk.pieces) > 1:
        raise EngineFailure(f"the engine gave {len(chunk.pieces)} choices where one was asked for")
    pieces = [replace(piece, choice=call.number) for piece in chunk.pieces]
    return chunk.with_body(chunk.form.write(identity.named(call, chunk.body), pieces))


def _joined(calls: Sequence[Call], answers: Sequence[Chunk]) -> Chunk:
    identity = _Identity()
    numbered = [_numbered(call, answer, identity) for call, answer in zip(calls, answers, strict=True)]
    pieces = [piece for answer in numbered for piece in answer.pieces]
    body = {**numbered[0].body, **_total(calls, [answer.body for answer in numbered])}
    return numbered[0].with_body(numbered[0].form.write(body, pieces))


async def _merged(calls: Sequence[Call], streams: Sequence[Chunks]) -> Chunks:
    """Give the chunks of all streams as they come, the usage of all at the end."""
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
            # Not at a cancellation: then nobody reads any more.
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
    """Return the usage of all, as vLLM counts it: a prompt's tokens once, whatever the number of its choices."""
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
    # Measurements of one generation say nothing about several: vLLM leaves them out then.
    return {"usage": usage, "metrics": None} if "metrics" in answers[0] else {"usage": usage}
