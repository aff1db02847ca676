"""The background: innocent prompts, encoded, with which a text must have less in common than with an example."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors, digest_of
from classifiers.meaning.index import ExampleIndex
from classifiers.reading.windows import windows
from guard import mapped
from guard.folding import fold


class Background:
    """Innocent prompts without repetitions, and the vectors of their windows. Immutable."""

    def __init__(self, prompts: Sequence[str], encoder: Encoder, file: Path | None = None) -> None:
        """Encode the windows of `prompts`, or read their vectors from a file.

        Args:
            prompts: Innocent prompts; a repeated one counts once.
            encoder: Encodes them.
            file: Holds the vectors of an earlier call. It is written anew if it was made of other prompts or by another encoder.

        Raises:
            OSError: The file cannot be written.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        prompts = list(dict.fromkeys(prompts))
        pieces = [windows(prompt) for prompt in prompts]
        self.vectors = encoded([window for cut in pieces for window in cut], encoder, file)
        """float32 [windows, dimension]."""
        self.prompt_of = np.array([number for number, cut in enumerate(pieces) for _ in cut], np.int64)
        """int64 [windows]: the number of the window's prompt."""
        self.prompts = tuple(prompts)
        """All prompts, including those without a window and those that `without` left out."""
        self._keys = [prompt_key(prompt) for prompt in prompts]
        self._index = ExampleIndex(self.vectors)

    def without(self, keys: Collection[str]) -> Background:
        """Return the background without the prompts whose `prompt_key` is among `keys`.

        An example wins over a background prompt that repeats it: with that prompt in the background, no text could exceed the
        margin by means of the example.
        """
        stays = np.array([key not in keys for key in self._keys], bool)
        if stays.all():
            return self
        copy = object.__new__(type(self))
        copy.prompts = self.prompts
        windows_stay = stays[self.prompt_of]
        copy.vectors, copy.prompt_of = self.vectors[windows_stay], self.prompt_of[windows_stay]
        copy._keys = [key if stay else "" for key, stay in zip(self._keys, stays, strict=True)]
        copy._index = ExampleIndex(copy.vectors)
        return copy

    @cached_property
    def alone(self) -> Vectors:
        """The best cosine of each window with a window of another prompt: float32 [windows]; -1 if there is no other prompt."""
        best = np.full(len(self), -1.0, np.float32)
        for at in range(0, len(self), 1024):
            block = slice(at, at + 1024)
            cosines = self.vectors[block] @ self.vectors.T
            cosines[self.prompt_of[block, None] == self.prompt_of[None, :]] = -1.0
            best[block] = cosines.max(axis=1)
        return best

    def nearest(self, vectors: Vectors) -> Vectors:
        """Return the best cosine of each row of `vectors` with a window: float32 [rows]; -1 if there is no window."""
        return self._index.best(vectors)[0]

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.vectors)


def prompt_key(prompt: str) -> str:
    """Return a key that is equal for prompts that count as the same: the folded text, or the text if folding leaves nothing."""
    return fold(prompt).strip() or prompt


def encoded(texts: Sequence[str], encoder: Encoder, file: Path | None) -> Vectors:
    """Return the vectors of texts: float32 [texts, dimension]. `file` keeps them for the next call with the same texts.

    Raises:
        OSError: The file cannot be written.
        EncoderError: The encoder fails; other encoders may raise other exceptions.
    """
    if file is None:
        return encoder.encode(texts)
    made_of = {"encoder": encoder.fingerprint, "texts": digest_of(texts)}
    try:
        metadata, arrays = mapped.load(file)
        if metadata == made_of:
            found: Vectors = arrays["vectors"]
            return found
    except (OSError, ValueError, KeyError):
        pass  # The file is missing or damaged: encode, and write it anew.
    vectors = encoder.encode(texts)
    mapped.store(file, {"vectors": vectors}, made_of)
    return vectors


def full_background(background: Sequence[str]) -> list[str]:
    """Return the prompts that come with the package, then the operator's."""
    return [*shipped_background(), *background]


def shipped_background() -> tuple[str, ...]:
    """Return the prompts that come with the package: chat, code, numbers, knowledge, invented people and other languages."""
    text = files("classifiers").joinpath("data/background.txt").read_text("utf-8")
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
