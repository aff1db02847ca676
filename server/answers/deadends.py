"""Dead ends: choices that ended because the guard left them no other token."""

from __future__ import annotations

from server.answers.chunk import CONTENT_FILTER, Chunk, Chunks, Step
from server.metrics import Metrics


def dead_ends(token: int, metrics: Metrics) -> Step:
    """Return the step that marks dead ends.

    Where the guard leaves a choice no other token, it ends with the engine's dead-end `token`. The step sets the `finish_reason`
    of such a choice to `content_filter`, OpenAI's word for an answer that a filter cut short, removes the token from its log
    probabilities, and counts it in `metrics`.
    """
    # vLLM writes compact JSON and escapes the quotes inside a string, so a chunk without these bytes need not be parsed.
    sign = f'"stop_reason":{token}'.encode()

    async def step(chunks: Chunks) -> Chunks:
        async for chunk in chunks:
            yield _marked(chunk) if sign in chunk.data else chunk

    def _marked(chunk: Chunk) -> Chunk:
        pieces = list(chunk.pieces)
        for at, piece in enumerate(pieces):
            if piece.stop_reason == token:
                pieces[at] = chunk.form.unended(piece).ended(CONTENT_FILTER)
                metrics.dead_end()
        return chunk.with_pieces(pieces)

    return step
