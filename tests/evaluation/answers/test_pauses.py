"""The pauses between the calls of one answer."""

from __future__ import annotations

import asyncio

from evaluation.answers.pauses import Pauses


async def _app(scope, receive, send):  # type: ignore[no-untyped-def]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(scope["first"])
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _ignored(_message):  # type: ignore[no-untyped-def]
    pass


async def test_a_pause_is_from_the_last_piece_to_the_first_of_the_next_call() -> None:
    pauses = Pauses(_app)
    await pauses({"first": 0.0}, _ignored, _ignored)
    assert pauses.take() == []
    await pauses({"first": 0.05}, _ignored, _ignored)
    await pauses({"first": 0.02}, _ignored, _ignored)
    [pause] = pauses.take()
    assert 0.02 <= pause < 0.05 + 0.02
    assert pauses.take() == []
