"""Log probabilities without the tokens that cannot be sampled.

A banned token has the log probability -inf, which vLLM writes as -9999. The same holds for tokens that `top_k`, `top_p` or
`min_p` rule out. As alternatives they say nothing about the model, and they could tell which tokens are banned. So no answer
lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from server.answers.chunk import Chunk, Chunks, Piece

LEAST: Final = -9999.0
"""What vLLM writes for this log probability and all lower ones (`max(logprob, -9999.0)` in both of its serving classes)."""
# A chunk without these bytes has no such entry and need not be parsed.
_SIGN: Final = b"-9999"


async def possible(chunks: Chunks) -> Chunks:
    """Yield the chunks with no alternatives but tokens that can be sampled: a step of the answer pipeline."""
    async for chunk in chunks:
        yield _possible(chunk) if _SIGN in chunk.data else chunk


def _possible(chunk: Chunk) -> Chunk:
    return chunk.with_pieces([_scored(piece) for piece in chunk.pieces])


def _scored(piece: Piece) -> Piece:
    scores = piece.raw.get("logprobs")
    if not isinstance(scores, Mapping):
        return piece
    kept: dict[str, Any] = dict(scores)
    if isinstance(content := scores.get("content"), list):
        kept["content"] = [
            {**step, "top_logprobs": [one for one in step.get("top_logprobs") or () if one["logprob"] > LEAST]}
            for step in content
        ]
    if isinstance(steps := scores.get("top_logprobs"), list):
        kept["top_logprobs"] = [
            {token: score for token, score in step.items() if score > LEAST} if step is not None else None for step in steps
        ]
    return replace(piece, raw={**piece.raw, "logprobs": kept})
