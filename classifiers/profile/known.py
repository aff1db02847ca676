"""The profiles of targets with the vectors of their texts, those of recent targets kept."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.profile.profile import Profile
from classifiers.target import ForgetTarget

# Targets are encoded when a prompt is first compared with them: a list of ten thousand has few that anybody asks about.
_KEPT = 1024


class KnownProfiles:
    """Makes profiles, and keeps those of the targets that were compared with prompts last. Safe for threads."""

    def __init__(self, encoder: Encoder) -> None:
        """Keep nothing yet; `encoder` encodes the texts of targets."""
        self._encoder = encoder
        # By the identity of a target. An entry goes when its target goes: what is forgotten must not stay in memory.
        self._kept: OrderedDict[int, tuple[weakref.ref[ForgetTarget], Profile, Vectors]] = OrderedDict()
        self._lock = threading.Lock()

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
        entries = self._kept
        with self._lock:
            entries[key] = (weakref.ref(target, lambda _: entries.pop(key, None)), profile, vectors)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return profile, vectors
