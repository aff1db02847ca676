"""Starved answers: a grammar and the guard together left a choice no token.

vLLM 0.32's grammar rejects the dead-end token, and the request ends in an internal error: a whole answer has status 500, and a
stream has an event with the error. Where a request asks for one choice and is both restricted and constrained by a grammar, this
error is a dead end. Any other error of status 500 has another message and is passed on. So is this one where the request itself
takes tokens away, because its grammar may have starved without the guard.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from server.answers.chunk import CONTENT_FILTER, Chunk, Chunks
from server.answers.reply import Reply
from server.errors import EngineFailure
from server.metrics import Metrics

Body = Mapping[str, Any]
_MESSAGE = "Internal server error"  # `_raise_if_error` in vllm/entrypoints/generate/base/serving.py
Ask = Callable[[Body], AbstractAsyncContextManager[Reply]]
"""Sends a request body to the engine and yields its reply."""


@asynccontextmanager
async def fed(ask: Ask, body: Body, silenced: Callable[[Body], Body], metrics: Metrics) -> AsyncIterator[Reply]:
    """Ask for one choice under a grammar, and yield a reply in which a starved choice ends with `content_filter`.

    If the client has not received any of the answer yet, the engine is asked again with the `silenced` body, to which it answers
    in its own form with an empty text. In the middle of a stream the text so far stays, and this function makes the last chunks:
    one that ends the choice, and one with the usage if the client asked for it.

    Args:
        ask: Sends a body to the engine.
        body: The body of a request for one choice.
        silenced: Returns the body without its grammar, closed so that the answer is empty.
        metrics: Counts the dead end.

    Raises:
        EngineFailure: The engine does not answer the silenced request.
    """
    async with AsyncExitStack() as stack:
        if _narrowed(body):
            yield await stack.enter_async_context(ask(body))
            return
        asked, hides = _with_usage(body)
        reply = await stack.enter_async_context(ask(asked))
        if reply.status == 500 and _rejected(reply.failure):
            yield await stack.enter_async_context(ask(silenced(body)))
            return
        if reply.chunks is None or not reply.streams:
            yield reply
            return

        async def again() -> Chunks:
            silent = await stack.enter_async_context(ask(silenced(body)))
            if silent.status != 200:
                raise EngineFailure(f"the engine answered a request that says nothing with status {silent.status}")
            return silent.answered

        yield replace(reply, chunks=_ended(reply.chunks, again, metrics, hides_usage=hides))


def _narrowed(body: Body) -> bool:
    """Return whether a request takes tokens away besides its grammar."""
    return any(body.get(field) for field in ("allowed_token_ids", "bad_words"))


def _rejected(error: Mapping[str, Any]) -> bool:
    """Return whether an error is vLLM's of a request that ended while it generated: GenerationError, in vllm/exceptions.py."""
    return error.get("code") == 500 and error.get("message") == _MESSAGE


def _with_usage(body: Body) -> tuple[Body, bool]:
    """Return the body, and whether it is changed: vLLM shall count tokens in each chunk if the client asked for it at the end.

    Where a choice ends in an error, only the chunk before it has the usage.
    """
    options = body.get("stream_options")
    if not isinstance(options, dict) or options.get("include_usage") is not True or options.get("continuous_usage_stats"):
        return body, False
    return {**body, "stream_options": {**options, "continuous_usage_stats": True}}, True


async def _ended(chunks: Chunks, again: Callable[[], Any], metrics: Metrics, *, hides_usage: bool) -> Chunks:
    last: Chunk | None = None
    usage: Mapping[str, Any] | None = None
    async for chunk in chunks:
        if chunk.error is None:
            usage = chunk.usage or usage
            if not chunk.pieces:
                yield chunk
                continue
            last = chunk
            yield _without_usage(chunk) if hides_usage else chunk
        elif not _rejected(chunk.error) or (last is not None and last.pieces[0].finish_reason):
            yield chunk
        elif last is None:
            async for silent in await again():
                yield silent
            return
        else:
            metrics.dead_end()
            for end in _ends(last, usage, hides_usage=hides_usage):
                yield end
            return


def _without_usage(chunk: Chunk) -> Chunk:
    if chunk.usage is None:
        return chunk
    return chunk.with_body({key: value for key, value in chunk.body.items() if key != "usage"})


def _ends(last: Chunk, usage: Mapping[str, Any] | None, *, hides_usage: bool) -> list[Chunk]:
    """Return the last chunks of a stream whose choice starved after the chunk `last`."""
    named = {key: last.body.get(key) for key in ("id", "object", "created", "model")}
    end = last.form.silent(last.pieces[0]).ended(CONTENT_FILTER)
    counted = {**named, "usage": usage} if "usage" in last.body and not hides_usage else named
    chunks = [last.with_body(last.form.write(counted, [end]))]
    return [*chunks, last.with_body({**named, "choices": [], "usage": usage})] if usage else chunks
