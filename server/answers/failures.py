"""Failures: what the engine says when it does not answer, told as OpenAI's API tells it."""

from __future__ import annotations

from dataclasses import replace

from server.answers.chunk import Chunk, Chunks
from server.answers.reply import Reply
from server.errors import ServerError
from server.http.envelope import envelope, of_engine


async def begun(reply: Reply, prompt: str) -> Reply:
    """Return the reply once it has begun to answer, with its later errors in OpenAI's envelope.

    vLLM refuses some requests only after it has sent the status of a stream: those with a schema for which it finds no grammar.
    The client gets such an error as a status, because the server has sent none before the first chunk.

    Args:
        reply: The reply.
        prompt: The field of the request that holds the prompt.

    Raises:
        ServerError: The reply is an error, or a stream that begins with one.
        Exception: What the engine's call raises.
    """
    if reply.chunks is None:
        raise of_engine(reply.status, reply.failure, prompt)
    if not reply.streams:
        return reply
    first = await anext(reply.chunks, None)
    if first is not None and _failed(first):
        raise _of(first, prompt)
    return replace(reply, chunks=_rest(first, reply.chunks, prompt))


async def _rest(first: Chunk | None, chunks: Chunks, prompt: str) -> Chunks:
    if first is not None:
        yield first
    async for chunk in chunks:
        yield chunk.with_body(envelope(_of(chunk, prompt))) if _failed(chunk) else chunk


def _failed(chunk: Chunk) -> bool:
    # A chunk without these bytes need not be parsed.
    return b'"error"' in chunk.data and chunk.error is not None


def _of(chunk: Chunk, prompt: str) -> ServerError:
    error = chunk.error or {}
    code = error.get("code")
    return of_engine(code if isinstance(code, int) and 400 <= code < 600 else 500, error, prompt)
