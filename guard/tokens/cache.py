"""Vocabularies on disk: one safetensors file for each tokenizer, so that a later start need not parse and fold it again.

For a fast tokenizer of 131,072 tokens that takes 0.03 s instead of 0.65 s, as measured on a busy machine with two cores, once
the tokenizer has described itself; more than half of what is saved is parsing. A file is used only if it was written from this
description by this version of the code; whatever else is found under its name is written anew. It is as trusted as the program:
who can change the folder can change what is banned.
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

from guard import folding, mapped
from guard.tokens import folded as tokenfolding
from guard.tokens import pieces, tekken, tokenizers
from guard.tokens.pieces import Pieces
from guard.tokens.vocabulary import Vocabulary

SUFFIX = ".vocabulary.safetensors"
_NAMES = ("raw", "raw_start", "special", "folded", "folded_start", "order")


@cache
def _code() -> str:
    # What a token folds to depends on these files and on Python's Unicode tables; a stale copy would let phrases through.
    digest = hashlib.sha256(unicodedata.unidata_version.encode())
    for module in (folding, pieces, tekken, tokenfolding, tokenizers):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


class VocabularyCache:
    """The vocabularies kept in one folder, which is made when the first is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, description: str, size: int | None, build: Callable[[str, int | None], Vocabulary]) -> Vocabulary:
        """Return `build(description, size)`, a vocabulary of `guard.tokens.tokenizers` or `guard.tokens.tekken`, from disk if
        it is there.

        Raises what `build` raises, and OSError if the folder cannot be written.
        """
        name = hashlib.sha256(json.dumps([_code(), size]).encode())
        name.update(description.encode())
        path = self._folder / (name.hexdigest() + SUFFIX)
        known = _load(path)
        if known is None:
            known = build(description, size)
            _save(path, known)
        return known


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


def _save(path: Path, vocabulary: Vocabulary) -> None:
    raw, folded = Pieces.of(vocabulary.raw), vocabulary.folded
    special = np.array(sorted(vocabulary.special), np.int64)
    values: tuple[NDArray[np.generic], ...] = (raw.data, raw.start, special, folded.data, folded.start, vocabulary.order)
    arrays = dict(zip(_NAMES, values, strict=True))
    mapped.store(path, arrays, {"digest": _digest(arrays)})
