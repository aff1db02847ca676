from __future__ import annotations

import pytest

from server.answers.chunk import Chunk, Chunks, Piece, piped
from server.errors import EngineFailure
from tests.server.answers.conftest import COMPLETION, collected, stream


def test_a_chunk_has_pieces_usage_and_error() -> None:
    chunk = Chunk(b'{"choices":[{"index":1,"text":"a"}],"usage":{"total_tokens":2}}', COMPLETION)
    assert chunk.pieces == [Piece(1, {"text": "a"}, None, None, {"index": 1, "text": "a"})]
    assert (chunk.usage, chunk.error) == ({"total_tokens": 2}, None)
    assert Chunk(b'{"error":{"code":500}}', COMPLETION).error == {"code": 500}


@pytest.mark.parametrize("data", [b"{", b"[]", b"null", b"\xff"])
def test_what_is_no_object_is_the_engine_s_failure(data: bytes) -> None:
    with pytest.raises(EngineFailure):
        _ = Chunk(data, COMPLETION).body


def test_a_changed_chunk_keeps_its_form_and_its_event_s_name() -> None:
    chunk = Chunk(b'{"id":"x","choices":[]}', COMPLETION, b"delta").with_pieces([Piece(0, {"text": "ö"})])
    assert (chunk.data, chunk.name) == ('{"id":"x","choices":[{"index":0,"text":"ö"}]}'.encode(), b"delta")


async def test_steps_follow_each_other() -> None:
    async def doubled(chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            yield chunk
            yield chunk

    async def first(chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            yield chunk
            return

    chunks = [Chunk.of({"n": n}, COMPLETION) for n in range(2)]
    assert await collected(piped(stream(chunks), [doubled, first])) == [{"n": 0}]
    assert await collected(piped(stream(chunks), [first, doubled])) == [{"n": 0}, {"n": 0}]
    assert await collected(piped(stream(chunks), [])) == [{"n": 0}, {"n": 1}]
