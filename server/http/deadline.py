"""The longest time that a request may take. When it is over, the work on it ends, in the engine too, and the client is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from starlette.types import Message, Send

from server.errors import KnownError, ServerError, TookTooLong
from server.http.draining import Draining, stopping
from server.http.envelope import envelope

# Seconds in which a client must take the last event of a stream whose time is over.
_LAST_EVENT_S = 2.0
_STREAM = b"text/event-stream"


def last_events(error: ServerError) -> bytes:
    """Return the events with which a stream of chat completions ends that fails: the error, and `[DONE]`."""
    return b"data: " + json.dumps(envelope(error), ensure_ascii=False).encode() + b"\n\ndata: [DONE]\n\n"


async def within(
    seconds: float,
    serve: Callable[[Send], Awaitable[None]],
    send: Send,
    draining: Draining,
    last: Callable[[ServerError], bytes] = last_events,
) -> None:
    """Serve a request, and stop after some time, or when the server's own time is over.

    A stream that has begun, and whose time is over or whose request fails, ends with events that tell the error.

    Args:
        seconds: How long it may take.
        serve: Serves the request with the `send` that it gets. It is cancelled when the time is over.
        send: The ASGI `send` of the request.
        draining: Tells when the server's own time is over.
        last: Returns the last events of a stream.

    Raises:
        TookTooLong: The time is over, and the answer has not begun, or has no place for an error.
        NotReady: The same, when the server stops.
        Exception: What `serve` raises, but no ServerError once a stream has begun.
    """
    begun = streams = False

    async def watched(message: Message) -> None:
        nonlocal begun, streams
        if message["type"] == "http.response.start":
            begun = True
            streams = any(name == b"content-type" and value.startswith(_STREAM) for name, value in message["headers"])
        await send(message)

    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            with draining.ending(deadline):
                await serve(watched)
    except TimeoutError:
        if not deadline.expired():
            raise
        error: ServerError = stopping() if draining.over else _too_long(seconds)
        if not (begun and streams):
            raise error from None
    except ServerError as failure:
        if not (begun and streams):
            raise
        error = failure
    else:
        return
    async with asyncio.timeout(_LAST_EVENT_S):
        await send({"type": "http.response.body", "body": last(error), "more_body": False})


def _too_long(seconds: float) -> KnownError:
    return TookTooLong(
        f"The request was not answered within {seconds:g} s, the longest time that this server allows, so it was given up. "
        "Ask for less, or try again when the server has less to do."
    )
