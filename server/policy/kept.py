"""What is kept of the compiled targets in a file, so that a start derives and compiles only what has changed.

To derive the forms of ten thousand targets takes a minute. The file is only a cache: a start that finds none, one of another
version or a damaged one makes everything anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import classifiers
import guard
from classifiers import ForgetTarget
from guard import mapped
from guard.matching.listing import Listing

logger = logging.getLogger(__name__)

NAME = "targets.kept"
"""The file's name. Restrictions have another suffix, so a start does not delete it with those that nothing uses."""
_KEY = hashlib.sha256().digest_size


@lru_cache(maxsize=1)
def code() -> str:
    """Return a digest of all that decides what is compiled of a target: the code, the word lists, and Unicode's tables."""
    digest = hashlib.sha256(json.dumps([sys.version, unicodedata.unidata_version, version("wordfreq")]).encode())
    # The compiler is beside this file.
    folders = [Path(str(guard.__file__)).parent, Path(str(classifiers.__file__)).parent, Path(__file__).parent]
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            if "__pycache__" not in path.parts:
                digest.update(json.dumps([folder.name, path.relative_to(folder).as_posix()]).encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def key_of(target: ForgetTarget, encoder: str) -> bytes:
    """Return a digest of what of a target decides what it bans, 32 bytes; `encoder` is the encoder's fingerprint."""
    anchors = target.anchors()
    # The words of its texts are compared with the anchors.
    texts = [*(example.completion for example in target.examples), *target.documents]
    semantic = anchors and (anchors.words, anchors.delta, anchors.floor, anchors.weight, anchors.allow, texts)
    phrases = [(p.text, p.scope, p.match, p.penalty, p.beta, p.force, p.forms) for p in target.phrases]
    said = [target.names, phrases, target.forms, target.excepted, target.action, semantic and (semantic, encoder)]
    return hashlib.sha256(json.dumps(said).encode()).digest()


@dataclass(frozen=True, eq=False)
class Kept:
    """What was compiled of some targets.

    Attributes:
        keys: `key_of` each target.
        gated: the digest of each target's restriction for prompts about it; None if it has none.
        listing: what the targets ban in every answer, with the targets as owners in this order.
    """

    keys: Sequence[bytes] = ()
    gated: Sequence[str | None] = ()
    listing: Listing = field(default_factory=lambda: Listing.of([]))

    def places(self) -> Mapping[bytes, list[int]]:
        """Return the places of each key: more than one if targets differ in nothing but their ids."""
        found: dict[bytes, list[int]] = {}
        for place, key in enumerate(self.keys):
            found.setdefault(key, []).append(place)
        return found

    def write(self, folder: Path) -> None:
        """Write the file, which appears complete or not at all. Only this user can read it. Of no targets there is no file.

        Raises:
            OSError: It cannot be written. Then there is no file: an older one could hold what was deleted since.
        """
        if not self.keys:
            (folder / NAME).unlink(missing_ok=True)
            return
        none = bytes(_KEY)
        arrays: dict[str, NDArray[Any]] = {
            **self.listing.arrays(),
            "keys": np.frombuffer(b"".join(self.keys), np.uint8),
            "gated": np.frombuffer(b"".join(bytes.fromhex(digest) if digest else none for digest in self.gated), np.uint8),
        }
        try:
            mapped.store(folder / NAME, arrays, {"code": code(), "sha256": _digest(arrays)})
        except OSError:
            (folder / NAME).unlink(missing_ok=True)
            raise

    @classmethod
    def read(cls, folder: Path) -> Kept:
        """Return what the file holds; nothing if there is none, or if it is damaged or of another version."""
        path = folder / NAME
        if not path.is_file():
            return cls()
        try:
            metadata, arrays = mapped.load(path)
            if metadata.get("code") != code():
                return cls()
            if metadata.get("sha256") != _digest(arrays):
                raise ValueError("its content does not have its digest")
            listing = Listing.from_arrays(arrays)
            keys, gated = (_cut(arrays[name].tobytes()) for name in ("keys", "gated"))
            return cls(keys, [digest.hex() if any(digest) else None for digest in gated], listing)
        except (OSError, ValueError, KeyError) as error:
            logger.warning("%s cannot be read, so all targets are compiled anew: %s", path.name, error)
            return cls()


def _cut(data: bytes) -> list[bytes]:
    return [data[at : at + _KEY] for at in range(0, len(data), _KEY)]


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
