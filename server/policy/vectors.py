"""Vectors of targets' examples, as the store keeps them: so that nothing is encoded twice, and for examples whose text is not
kept."""

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
    """Vectors that the encoder in use did not make: compared with its own they would mean nothing."""


def embed(target: ForgetTarget, vectors: Vectors, encoder: Encoder, *, retained: bool) -> bytes:
    """Return what is stored of a target's `vectors` (`classifiers.meaning.nearest.example_vectors`): a safetensors file that
    names the encoder, and, of a target whose examples are `retained`, what it was made of."""
    metadata = {"encoder": encoder.fingerprint}
    if retained:
        metadata["texts"] = _name_of(target)
    packed: bytes = save({_NAME: np.ascontiguousarray(vectors)}, metadata)
    return packed


def embedded(targets: Sequence[StoredTarget], encoder: Encoder) -> dict[str, Vectors]:
    """Return the stored vectors of targets, float32 [windows, dimension], by id, where they hold still.

    Those of examples that have changed, or that this encoder did not make, are left out if the examples are there to be encoded
    anew; if they are not, EmbeddingError is raised.
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
            raise EmbeddingError("a target's examples were not kept, and their vectors are another encoder's")
    return found


def _metadata(packed: bytes) -> dict[str, str]:
    length = int.from_bytes(packed[:8], "little")
    found: dict[str, str] = json.loads(packed[8 : 8 + length])["__metadata__"]
    return found


def _name_of(target: ForgetTarget) -> str:
    # Of the passages, not of the prompts: they may be cut otherwise one day.
    return digest_of(example_passages(target))
