"""The vectors of targets' examples in the store, so that nothing is encoded twice, and for examples whose text is removed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from safetensors.numpy import load, save

from classifiers import Encoder, ForgetTarget
from classifiers.meaning.encoder import Vectors, digest_of
from classifiers.meaning.nearest import example_passages
from server.store import StoredTarget

_NAME = "vectors"


class EmbeddingError(ValueError):
    """The encoder in use did not make the stored vectors, so they cannot be compared with its own."""


def embed(target: ForgetTarget, vectors: Vectors, encoder: Encoder, *, retained: bool) -> bytes:
    """Return a target's `vectors` (`classifiers.meaning.nearest.example_vectors`) for the store, as a safetensors file.

    Its metadata names the encoder and, if the examples are `retained`, the texts it was made of, by their digest.
    """
    metadata = {"encoder": encoder.fingerprint}
    if retained:
        metadata["texts"] = _name_of(target)
    packed: bytes = save({_NAME: np.ascontiguousarray(vectors)}, metadata)
    return packed


def embedded(targets: Sequence[StoredTarget], encoder: Encoder) -> dict[str, Vectors]:
    """Return the stored vectors that still hold, float32 [windows, dimension], by target id.

    Vectors of examples that have changed, or that another encoder made, are left out: the examples are encoded again.

    Raises:
        EmbeddingError: another encoder made the vectors, and the examples are removed.
    """
    found: dict[str, Vectors] = {}
    for stored in targets:
        if stored.vectors is None:
            continue
        metadata = _metadata(stored.vectors)
        if metadata["encoder"] == encoder.fingerprint:
            if not stored.target.examples or metadata.get("texts") == _name_of(stored.target):
                found[stored.id] = load(stored.vectors)[_NAME]
        elif not stored.target.examples:
            raise EmbeddingError(
                f"target {stored.id}: its examples were removed, and another encoder made their vectors: use that one"
            )
    return found


def _metadata(packed: bytes) -> dict[str, str]:
    length = int.from_bytes(packed[:8], "little")
    found: dict[str, str] = json.loads(packed[8 : 8 + length])["__metadata__"]
    return found


def _name_of(target: ForgetTarget) -> str:
    # The digest of the passages, not of the prompts: a later version may cut prompts differently.
    return digest_of(example_passages(target))
