"""A faster implementation of a BERT encoder, which returns the same vectors as its library.

When the library encodes short texts on a CPU, three things take time besides the arithmetic. Every call rearranges the weights
into the order that the matrix instructions need; here oneDNN, which torch includes, does that once. The library pads texts to the
length of the longest one; here the texts lie one after the other, and only texts of the same length share an attention. The
library makes about thirty calls per layer; here there are nine. Since texts are not padded, a vector does not depend on the other
texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

# oneDNN compiles code for each number of rows and keeps it (its documentation, "Primitive Cache"): 0.5 GB after 1,000 prompts.
# Up to the first number of word pieces, a pass has a multiple of the second one.
_STEPS = ((64, 8), (512, 16), (2048, 64))
# The most word pieces in one pass: 6 MB for the widest layer in bfloat16.
_PIECES = 2048
# Texts whose vectors are compared with those of the library. If they differ by more than rounding, the library is used.
_PROBES = ("Where was she born?", "A second text, somewhat longer than the first one; it says nothing in particular.")
_LEAST_COSINE = 0.999


class PackedBert:
    """A sentence-transformers model that consists of a BertModel, mean pooling and possibly a normalisation; see `packed`."""

    def __init__(self, model: Any) -> None:
        """Copy the weights of `model`, a SentenceTransformer on a CPU, in the memory order of oneDNN and in their number type."""
        import torch

        bert = model[0].auto_model
        embeddings, config = bert.embeddings, bert.config
        self._torch = torch
        self._dtype = embeddings.word_embeddings.weight.dtype
        self._heads = config.num_attention_heads
        self._epsilon = config.layer_norm_eps
        with torch.inference_mode():
            # Shared with the model: a multilingual one has a quarter of a million words.
            self._words = embeddings.word_embeddings.weight.detach()
            types = embeddings.token_type_embeddings.weight.detach()[0].float()
            self._positions = embeddings.position_embeddings.weight.detach().float() + types
            self._norm = _norm(embeddings.LayerNorm, torch.float32)
            self._layers = [self._layer(layer) for layer in bert.encoder.layer]
        # Shared: a copy for a hundred languages takes 280 MB.
        self._tokenizer = model.tokenizer.backend_tokenizer
        self._most = min(model.max_seq_length or len(self._positions), len(self._positions))

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the mean vector of the word pieces of each text: float32 [texts, dimension], not normalised.

        No other thread may use the model's tokenizer meanwhile: truncation and padding are settings of the tokenizer itself.
        """
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._most)
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        result = np.empty((len(ids), self._words.shape[1]), np.float32)
        at = 0
        while at < len(order):
            end, pieces = at, 0
            while end < len(order) and (end == at or pieces + len(ids[order[end]]) <= _PIECES):
                pieces += len(ids[order[end]])
                end += 1
            result[order[at:end]] = self._forward([ids[number] for number in order[at:end]])
            at = end
        return result

    def _forward(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Return the mean vectors of texts, given by the ids of their pieces in ascending order of length."""
        torch = self._torch
        functional = torch.nn.functional
        groups = [(length, len(list(same))) for length, same in groupby(ids, key=len)]
        with torch.inference_mode():
            total = sum(map(len, ids))
            # A further text fills up the pass. Its vector is dropped.
            if rest := _rounded(total) - total:
                groups.append((rest, 1))
            flat = torch.tensor([*(piece for text in ids for piece in text), *[0] * rest])
            positions = torch.cat([torch.arange(length).repeat(count) for length, count in groups])
            states = self._words[flat].float() + self._positions[positions]
            width = states.shape[1]
            states = functional.layer_norm(states, (width,), *self._norm, self._epsilon).to(self._dtype)
            for project, output, norm, widen, narrow, last_norm in self._layers:
                mixed = output(self._attention(project(states), groups, width))
                states = functional.layer_norm(states + mixed, (width,), *norm, self._epsilon)
                states = functional.layer_norm(states + narrow(widen(states)), (width,), *last_norm, self._epsilon)
            sizes = [length * count for length, count in groups]
            parts = states.float().split(sizes)
            means = [part.view(count, length, width).mean(1) for part, (length, count) in zip(parts, groups, strict=True)]
            vectors: NDArray[np.float32] = torch.cat(means)[: len(ids)].numpy()
        return vectors

    def _attention(self, mixed: Any, groups: Sequence[tuple[int, int]], width: int) -> Any:
        """Return the attention of each piece to its own text. `mixed` [pieces, 3 width]: queries, keys and values."""
        torch = self._torch
        gathered = []
        for part, (length, count) in zip(mixed.split([length * count for length, count in groups]), groups, strict=True):
            queries, keys, values = part.view(count, length, 3, self._heads, width // self._heads).permute(2, 0, 3, 1, 4)
            attended = torch.nn.functional.scaled_dot_product_attention(queries, keys, values)
            gathered.append(attended.transpose(1, 2).reshape(count * length, width))
        return torch.cat(gathered)

    def _layer(self, layer: Any) -> tuple[Any, ...]:
        attention, cat = layer.attention, self._torch.cat
        three = (attention.self.query, attention.self.key, attention.self.value)
        return (
            self._linear(cat([part.weight for part in three]), cat([part.bias for part in three])),
            self._linear(attention.output.dense.weight, attention.output.dense.bias),
            _norm(attention.output.LayerNorm, self._dtype),
            self._linear(layer.intermediate.dense.weight, layer.intermediate.dense.bias, "gelu"),
            self._linear(layer.output.dense.weight, layer.output.dense.bias),
            _norm(layer.output.LayerNorm, self._dtype),
        )

    def _linear(self, weight: Any, bias: Any, then: str = "none") -> Callable[[Any], Any]:
        """Return the function x -> then(x weight^T + bias), with the weight in the memory order of oneDNN."""
        # The operators that the compiler of torch calls for a linear layer of a frozen model.
        operators = self._torch.ops.mkldnn
        packed = operators._reorder_linear_weight(weight.detach().contiguous(), 64)
        kept = bias.detach()
        return lambda states: operators._linear_pointwise(states, packed, kept, then, [], "none")


def packed(model: Any) -> PackedBert | None:
    """Return the packed form of `model`, a SentenceTransformer, or None if the library must encode.

    The library must encode if the model is anything but a BertModel with plain attention, mean pooling and at most a
    normalisation, on a CPU; if this version of torch lacks the operators; or if the vectors of two short texts differ from those
    of the library (cosine below 0.999).
    """
    if not _is_plain_bert(model):
        return None
    try:
        candidate = PackedBert(model)
        ours = candidate.encode(_PROBES)
    except (AttributeError, RuntimeError, NotImplementedError):
        return None  # Another version of torch, or one without oneDNN, or an instruction set that oneDNN does not support.
    theirs = np.asarray(model.encode(list(_PROBES), show_progress_bar=False, convert_to_numpy=True), np.float32)
    cosines = (ours * theirs).sum(1) / (np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1))
    return candidate if (cosines >= _LEAST_COSINE).all() else None


def _is_plain_bert(model: Any) -> bool:
    """Return whether `model` uses nothing that `PackedBert` leaves out."""
    kinds = [type(module).__name__ for module in model]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return False
    transformer, pooling = model[0], model[1]
    bert = getattr(transformer, "auto_model", None)
    config = getattr(bert, "config", None)
    return (
        type(bert).__name__ == "BertModel"
        and model.device.type == "cpu"
        and model.default_prompt_name is None
        and model.truncate_dim is None
        and not getattr(transformer, "do_lower_case", False)
        and getattr(pooling, "pooling_mode", None) == "mean"
        and getattr(config, "position_embedding_type", "absolute") in (None, "absolute")
        and getattr(config, "hidden_act", None) == "gelu"
        and not getattr(config, "is_decoder", False)
        and getattr(model.tokenizer, "backend_tokenizer", None) is not None
    )


def _rounded(pieces: int) -> int:
    """Return the number of word pieces in a pass for this many."""
    step = next((step for most, step in _STEPS if pieces <= most), 1)
    return -(-pieces // step) * step


def _norm(layer: Any, dtype: Any) -> tuple[Any, Any]:
    return layer.weight.detach().to(dtype), layer.bias.detach().to(dtype)
