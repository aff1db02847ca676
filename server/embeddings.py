"""What is kept of examples whose text is not: their vectors, named by the encoder that made them."""

from __future__ import annotations

import json

import numpy as np
from safetensors.numpy import load, save

from classifiers import Encoder, ForgetTarget
from classifiers.encoder import Vectors
from classifiers.windows import passages

_NAME = "vectors"


class EmbeddingError(ValueError):
    """Vectors that the encoder in use did not make: compared with its own they would mean nothing."""


def embed(target: ForgetTarget, encoder: Encoder) -> bytes:
    """Return the vectors of a target's examples, as detection compares them, with the encoder's fingerprint (safetensors)."""
    vectors = encoder.encode([passage for example in target.examples for passage in passages(example.prompt)])
    packed: bytes = save({_NAME: np.ascontiguousarray(vectors)}, {"encoder": encoder.fingerprint})
    return packed


def embedded(kept: bytes, encoder: Encoder) -> Vectors:
    """Return vectors, float32 [windows, dimension]. Raises EmbeddingError if another encoder made them."""
    length = int.from_bytes(kept[:8], "little")
    if json.loads(kept[8 : 8 + length])["__metadata__"]["encoder"] != encoder.fingerprint:
        raise EmbeddingError("a target's examples were not kept, and their vectors are another encoder's")
    vectors: Vectors = load(kept)[_NAME]
    return vectors
