"""The answer of `/v1/embeddings`: the server serves models that generate, and none that embeds.

`server.engine.vllm` starts no other model. vLLM adds its own route of this name only for a model that pools.
"""

from __future__ import annotations

from server.errors import BadRequest

PATH = "/v1/embeddings"
CODE = "model_not_supported"


def no_embeddings() -> BadRequest:
    """Return the answer to a request for embeddings."""
    return BadRequest(
        "The model that is served here generates text and makes no embeddings: ask a server of an embedding model for them.",
        param="model",
        code=CODE,
    )
