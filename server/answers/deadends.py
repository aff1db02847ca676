"""Dead ends: choices in which nothing was left to say."""

from __future__ import annotations

from server.answers.chunk import CONTENT_FILTER, Chunk, Chunks, Step
from server.metrics import Metrics


def dead_ends(token: int, metrics: Metrics) -> Step:
    """Return the step that tells dead ends from the model's own ends.

    A choice that ended on the engine's dead-end `token` had nothing left to say under the guard. Its `finish_reason` becomes
    `content_filter`, which is what OpenAI's API calls an answer that a filter cut short.
    """
    # vLLM writes compact JSON, and inside a string the quotes are escaped: a chunk without this need not be parsed.
    sign = f'"stop_reason":{token}'.encode()

    async def step(chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            yield _told(chunk) if sign in chunk.data else chunk

    def _told(chunk: Chunk) -> Chunk:
        pieces = list(chunk.pieces)
        for at, piece in enumerate(pieces):
            if piece.stop_reason == token:
                pieces[at] = piece.ended(CONTENT_FILTER)
                metrics.dead_end()
        return chunk.with_pieces(pieces)

    return step
