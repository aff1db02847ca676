"""The weights of a head: a trained network, how it answers, and its file."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors

_FORMAT = "guard-head-1"


class HeadError(ValueError):
    """A head that cannot be read, or that belongs to another encoder or to other targets."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """A trained head: hidden [dimension, units], hidden_bias [units], out [units], out_bias [1], all float32.

    `encoder` is the fingerprint of the encoder whose vectors it reads, `content` names the examples it was trained for.
    """

    hidden: Vectors
    hidden_bias: Vectors
    out: Vectors
    out_bias: Vectors
    encoder: str
    content: str

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return for each row of `vectors`, float32 [n, dimension], the probability that it is about a target: float32 [n].

        A row of zeros, for a text in which the encoder found nothing, is about none: 0.
        """
        scaled = vectors * np.float32(vectors.shape[1] ** 0.5)
        logits = np.maximum(scaled @ self.hidden + self.hidden_bias, 0) @ self.out + self.out_bias
        result: Vectors = np.where(vectors.any(axis=1), 1 / (1 + np.exp(-np.clip(logits, -80, 80))), 0).astype(np.float32)
        return result

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all. Raises OSError if it cannot be written."""
        from safetensors.numpy import save

        arrays = {"hidden": self.hidden, "hidden_bias": self.hidden_bias, "out": self.out, "out_bias": self.out_bias}
        data = save(arrays, {"format": _FORMAT, "encoder": self.encoder, "content": self.content})
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise

    @classmethod
    def load(cls, path: Path, encoder: Encoder) -> HeadWeights:
        """Return what `save` wrote. Raises HeadError for another encoder's head and for a file that is damaged or something
        else."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                metadata: dict[str, str] = file.metadata() or {}
                arrays: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise HeadError(f"cannot read {path.name}: {type(error).__name__}") from error
        if metadata.get("format") != _FORMAT or arrays.keys() != {"hidden", "hidden_bias", "out", "out_bias"}:
            raise HeadError(f"{path.name} holds no head")
        if metadata.get("encoder") != encoder.fingerprint:
            raise HeadError(f"{path.name} was trained with another encoder")
        units = arrays["out"].size
        shapes = {"hidden": (encoder.dimension, units), "hidden_bias": (units,), "out": (units,), "out_bias": (1,)}
        for name, shape in shapes.items():
            if arrays[name].shape != shape or arrays[name].dtype != np.float32 or not np.isfinite(arrays[name]).all():
                raise HeadError(f"{path.name}: {name} is damaged")
        return cls(encoder=encoder.fingerprint, content=metadata.get("content", ""), **arrays)
