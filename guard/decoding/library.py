"""The library: the restrictions of a folder by digest, each loaded once, with its masks for one vocabulary."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from guard.decoding.masks import Masks
from guard.errors import RestrictionError
from guard.matching.compact import Letters
from guard.restriction import SUFFIX, Restriction
from guard.tokens.vocabulary import Vocabulary

# A restriction with at most this many nodes has its masks computed when they are first needed, in about a millisecond. So ten
# thousand small restrictions, most of which are never used, load in seconds.
_SMALL = 4096
# Up to _FEW files of at most _QUICK_BYTES are loaded on the spot, in less than a millisecond each. The thread would have to wait
# for the interpreter, which a worker keeps busy even between requests.
_QUICK_BYTES, _FEW = 1 << 16, 16


class Library:
    """The restrictions of one folder, ready for one vocabulary.

    `masks` may be called in one thread while `request` loads in another: a restriction is published only when it is complete.

    Args:
        folder: The folder of restriction files.
        vocabulary: The vocabulary of the model's tokenizer.
    """

    def __init__(self, folder: Path, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._vocabulary = vocabulary
        self._masks: dict[str, Masks] = {}
        self._failed: dict[str, str] = {}
        self._loading: set[str] = set()
        self._lock = threading.Lock()
        # One thread, so that loading leaves the processor to generation.
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="restrictions")

    def masks(self, digest: str) -> Masks:
        """Return the masks of a restriction, and load it if it is not held yet.

        Raises:
            RestrictionError: If it cannot be loaded.
        """
        held = self._masks.get(digest)
        if held is None:
            held = self._masks[digest] = self._made(Restriction.load(self._folder, digest))
        return held

    def request(self, digests: Sequence[str]) -> None:
        """Load restrictions: a few small ones at once, others in the background.

        `held` and `collect_failures` tell what has become of them.
        """
        with self._lock:
            new = [digest for digest in dict.fromkeys(digests) if digest not in self._masks and digest not in self._loading]
            self._loading.update(new)
        for digest in new:
            if len(new) <= _FEW and self._is_small(digest):
                self._publish(digest)
            else:
                self._loader.submit(self._publish, digest)

    def forget(self, digest: str) -> None:
        """Drop a restriction from memory. Sequences that use it keep it."""
        self._masks.pop(digest, None)

    def held(self, digests: Sequence[str]) -> list[str]:
        """Return which of these restrictions are held in memory."""
        return [digest for digest in digests if digest in self._masks]

    def collect_failures(self, digests: Sequence[str]) -> dict[str, str]:
        """Return why requested restrictions failed to load, by digest, each reason once. A new request tries again."""
        return {digest: self._failed.pop(digest) for digest in digests if digest in self._failed}

    def _publish(self, digest: str) -> None:
        """Load a restriction, and keep its masks or the reason why there are none."""
        try:
            self._masks[digest] = self._made(Restriction.load(self._folder, digest))
        except RestrictionError as error:
            self._failed[digest] = str(error)
        except Exception as error:
            self._failed[digest] = type(error).__name__
        with self._lock:
            self._loading.discard(digest)

    def _is_small(self, digest: str) -> bool:
        try:
            return (self._folder / (digest + SUFFIX)).stat().st_size <= _QUICK_BYTES
        except OSError:
            return True  # finding out why the file cannot be loaded takes no time either

    @cached_property
    def _letters(self) -> Letters:
        return Letters.of(self._vocabulary)

    def _made(self, restriction: Restriction) -> Masks:
        masks = Masks.of(restriction, self._vocabulary, self._letters)
        if len(restriction.automaton) > _SMALL:
            masks.prepare()
        return masks
