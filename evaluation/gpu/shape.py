"""A decoder of a given shape with random weights. What it says means nothing.

The cost of a step does not depend on what the weights are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The shape of a Llama: widths, and how many tokens each sequence has in the cache."""

    hidden: int = 4096
    layers: int = 32
    inner: int = 14336
    heads: int = 32
    kv_heads: int = 8
    vocabulary: int = 131_072
    context: int = 512

    @property
    def head(self) -> int:
        """The width of a head."""
        return self.hidden // self.heads


SMALL = Shape(hidden=32, layers=1, inner=64, heads=4, kv_heads=2, vocabulary=131_072, context=16)


class Decoder:
    """One decoding step for `rows` tokens, `rows // batch` of each sequence. On a GPU it is captured as a CUDA graph."""

    def __init__(self, shape: Shape, batch: int, rows: int, device: torch.device) -> None:
        self._shape = s = shape
        self._batch, self._rows = batch, rows
        dtype = torch.bfloat16

        def weight(*size: int) -> torch.Tensor:
            return torch.randn(*size, device=device, dtype=dtype) / size[0] ** 0.5

        kv = s.kv_heads * s.head
        self._embedding = weight(s.vocabulary, s.hidden)
        self._layers = [
            (
                weight(s.hidden, s.hidden + 2 * kv),
                weight(s.hidden, s.hidden),
                weight(s.hidden, 2 * s.inner),
                weight(s.inner, s.hidden),
            )
            for _ in range(s.layers)
        ]
        self._out = weight(s.hidden, s.vocabulary)
        # One cache for all layers: it is read as often, and takes a fraction of the memory.
        self._cache = torch.randn(2, batch, s.kv_heads, s.context, s.head, device=device, dtype=dtype)
        self.ids = torch.zeros(rows, dtype=torch.int64, device=device)
        """int64 [rows]; the tokens to compute. Write them before `step`."""
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits = self._computed()
        if device.type == "cuda":
            self._capture()

    def step(self) -> torch.Tensor:
        """Compute the logits [rows, vocabulary] behind the tokens in `ids`."""
        if self._graph is None:
            return self._computed()
        self._graph.replay()
        return self._logits

    def _capture(self) -> None:
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._logits = self._computed()

    def _computed(self) -> torch.Tensor:
        s, batch = self._shape, self._batch
        each = self._rows // batch
        x = functional.embedding(self.ids, self._embedding)
        norm: Callable[[torch.Tensor], torch.Tensor] = lambda y: functional.rms_norm(y, (s.hidden,))  # noqa: E731
        for qkv, out, up, down in self._layers:
            q, k, v = (norm(x) @ qkv).split([s.hidden, s.kv_heads * s.head, s.kv_heads * s.head], dim=-1)
            self._cache[0, :, :, :each] = k.view(batch, each, s.kv_heads, s.head).transpose(1, 2)
            self._cache[1, :, :, :each] = v.view(batch, each, s.kv_heads, s.head).transpose(1, 2)
            q = q.view(batch, each, s.heads, s.head).transpose(1, 2)
            mixed = functional.scaled_dot_product_attention(q, self._cache[0], self._cache[1], enable_gqa=True)
            x = x + mixed.transpose(1, 2).reshape(self._rows, s.hidden) @ out
            gate, value = (norm(x) @ up).chunk(2, dim=-1)
            x = x + (functional.silu(gate) * value) @ down
        return norm(x) @ self._out
