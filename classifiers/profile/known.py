"""The profiles of targets with the vectors of their texts, those of recent targets kept."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.profile.profile import Profile
from classifiers.target import ForgetTarget

# Targets are encoded when a prompt is first compared with them: a list of ten thousand has few that anybody asks about. A target
# with three examples and ten facts has 23 kB of vectors, one with a hundred phrases 160 kB.
_MOST_BYTES = 64 << 20


class KnownProfiles:
    """Makes profiles, and keeps those of the targets that were compared with prompts last. Safe for threads."""

    def __init__(self, encoder: Encoder, most_bytes: int = _MOST_BYTES) -> None:
        """Keep nothing yet.

        Args:
            encoder: Encodes the texts of targets.
            most_bytes: The most bytes of vectors that are kept; those of one target are kept in any case.
        """
        self._encoder = encoder
        self._most_bytes = most_bytes
        self._bytes = 0
        # By the identity of a target. An entry goes when its target goes: what is forgotten must not stay in memory.
        self._kept: OrderedDict[int, tuple[weakref.ref[ForgetTarget], Profile, Vectors]] = OrderedDict()
        # A target may go while this thread holds the lock.
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """The number of targets whose profiles are kept."""
        return len(self._kept)

    def of(self, target: ForgetTarget) -> tuple[Profile, Vectors]:
        """Return the profile of a target and the vectors of its texts, float32 [texts, dimension]. Errors are the encoder's."""
        key = id(target)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0]() is target:
                self._kept.move_to_end(key)
                return kept[1], kept[2]
        profile = Profile(target)
        vectors = np.asarray(self._encoder.encode(profile.texts()), np.float32)
        # Not `self` itself: what refers to itself is freed by the garbage collector alone, which comes late.
        own = weakref.ref(self)

        def gone(_: object) -> None:
            if (known := own()) is not None:
                known._drop(key)

        with self._lock:
            self._drop(key)
            self._kept[key] = (weakref.ref(target, gone), profile, vectors)
            self._bytes += vectors.nbytes
            while self._bytes > self._most_bytes and len(self._kept) > 1:
                self._drop(next(iter(self._kept)))
        return profile, vectors

    def _drop(self, key: int) -> None:
        with self._lock:
            if entry := self._kept.pop(key, None):
                self._bytes -= entry[2].nbytes
