"""Vocabularies on disk: one safetensors file per tokenizer, so that a later start need not parse and fold it again.

For a fast tokenizer of 131,072 tokens, reading the file takes 0.03 s; building the vocabulary from the tokenizer's description
takes 0.65 s, more than half of it for parsing (measured on a busy machine with two cores). A file is used only if this version
of the code wrote it from this description. Any other file of that name is replaced. The folder must be as trusted as the program:
whoever can change it can change what is banned.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from guard import folding, letters, mapped
from guard.tokens import folded as tokenfolding
from guard.tokens import pieces, tokenizers
from guard.tokens.pieces import Pieces
from guard.tokens.vocabulary import Vocabulary

SUFFIX = ".vocabulary.safetensors"
_NAMES = ("raw", "raw_start", "special", "folded", "folded_start", "order")


@cache
def _code() -> str:
    # What a token folds to depends on these files and on Python's Unicode tables. A stale vocabulary would let phrases through.
    digest = hashlib.sha256(unicodedata.unidata_version.encode())
    for module in (folding, letters, pieces, tokenfolding, tokenizers):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


class VocabularyCache:
    """The vocabularies in one folder. The folder is made when the first one is written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, description: str, size: int | None, build: Callable[[str, int | None], Vocabulary]) -> Vocabulary:
        """Return `build(description, size)`, from disk if it is there.

        Args:
            description: The tokenizer's description of itself.
            size: The width of the model's logits.
            build: `guard.tokens.tokenizers.vocabulary_of`.

        Raises:
            OSError: If the file cannot be written.
            Exception: Whatever `build` raises.
        """
        name = hashlib.sha256(json.dumps([_code(), size]).encode())
        name.update(description.encode())
        path = self._folder / (name.hexdigest() + SUFFIX)
        known = _load(path)
        if known is None:
            known = build(description, size)
            _save(path, known)
        return known


def digest_of(vocabulary: Vocabulary) -> str:
    """Return a sha256 of all that a vocabulary says: processes that have the same one ban the same tokens."""
    return _digest(_arrays(vocabulary))


def _digest(arrays: dict[str, NDArray[np.generic]]) -> str:
    digest = hashlib.sha256()
    for name in _NAMES:
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].data)
    return digest.hexdigest()


def _load(path: Path) -> Vocabulary | None:
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in _NAMES}
            if (file.metadata() or {}).get("digest") != _digest(arrays):
                return None
    except (SafetensorError, OSError, ValueError):
        return None
    raw, folded = (Pieces(arrays[name], arrays[name + "_start"]) for name in ("raw", "folded"))
    return Vocabulary.known(raw, frozenset(arrays["special"].tolist()), folded, arrays["order"])


def _arrays(vocabulary: Vocabulary) -> dict[str, NDArray[np.generic]]:
    raw, folded = Pieces.of(vocabulary.raw), vocabulary.folded
    special = np.array(sorted(vocabulary.special), np.int64)
    values: tuple[NDArray[np.generic], ...] = (raw.data, raw.start, special, folded.data, folded.start, vocabulary.order)
    return dict(zip(_NAMES, values, strict=True))


def _save(path: Path, vocabulary: Vocabulary) -> None:
    arrays = _arrays(vocabulary)
    mapped.store(path, arrays, {"digest": _digest(arrays)})
