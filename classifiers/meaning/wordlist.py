"""The word list: frequent English words with their vectors, which are made once per encoder and kept on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from classifiers.meaning.encoder import Encoder, EncoderError, Vectors, digest_of
from classifiers.semantic import exempt, folded_words
from guard import mapped

logger = logging.getLogger(__name__)

SIZE: Final = 100_000
"""How many of wordfreq's most frequent English words are read; about 93,000 remain after folding."""
_FORMAT: Final = "1"
_BATCH: Final = 2000

Halves = NDArray[np.float16]
Progress = Callable[[int, int], object]
"""Called with the number of words that are encoded and the number of all words."""


@lru_cache(maxsize=1)
def listed_words() -> tuple[str, ...]:
    """Return the folded words of the list, the most frequent first, without those that are exempt. The first call takes 0.4 s.

    They are those of wordfreq (Speer 2022, doi 10.5281/zenodo.7199437).
    """
    from wordfreq import top_n_list

    found: dict[str, None] = {}
    for listed in top_n_list("en", SIZE, wordlist="large"):
        found.update(dict.fromkeys(word for word in folded_words(listed) if not exempt(word)))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class WordList:
    """Words with their vectors.

    Attributes:
        words: Folded words.
        vectors: float16 [words, dimension], rows of length one or zero. Half precision moves a cosine by less than 0.001.
    """

    words: tuple[str, ...]
    vectors: Halves

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of each word in `vectors`."""
        return {word: at for at, word in enumerate(self.words)}

    @classmethod
    def of(cls, words: Sequence[str], encoder: Encoder, progress: Progress | None = None) -> WordList:
        """Encode `words`: 40 s for the list on two idle cores.

        Raises:
            EncoderError: A vector is not finite.
            Exception: Whatever the encoder raises.
        """
        vectors = np.zeros((len(words), encoder.dimension), np.float16)
        for at in range(0, len(words), _BATCH):
            part = list(words[at : at + _BATCH])
            vectors[at : at + len(part)] = finite(encoder.encode(part))
            if progress is not None:
                progress(at + len(part), len(words))
        return cls(tuple(words), vectors)

    @classmethod
    def in_memory(cls, encoder: Encoder, progress: Progress | None = None) -> WordList:
        """Return the list without keeping it on disk. Raises what `of` raises."""
        return cls.of(listed_words(), encoder, progress)

    @classmethod
    def cached(cls, encoder: Encoder, folder: Path, progress: Progress | None = None) -> WordList:
        """Return the list with the vectors that `folder` has for this encoder; encode and write them if it has none.

        A file that cannot be read, or that is of another encoder or list, is replaced. Processes that do this at the same time
        each encode the words, and the file of the last one remains.

        Raises:
            EncoderError, Exception: What `of` raises.
            OSError: The file cannot be written.
        """
        words = listed_words()
        made_of = {"format": _FORMAT, "encoder": encoder.fingerprint, "words": digest_of(words)}
        # One file per encoder and list: a server that goes back to the encoder before finds its file.
        path = folder / f"{digest_of(list(made_of.values()))}.safetensors"
        try:
            metadata, arrays = mapped.load(path)
            vectors = arrays["vectors"]
            if metadata == made_of and vectors.shape == (len(words), encoder.dimension) and vectors.dtype == np.float16:
                return cls(words, vectors)
            logger.warning("the vectors of the word list are made again: the file is of something else")
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError) as error:
            logger.warning("the vectors of the word list are made again: %s", error)
        made = cls.of(words, encoder, progress)
        mapped.store(path, {"vectors": made.vectors}, made_of)
        return made


def finite(vectors: Vectors) -> Vectors:
    """Return `vectors`. Raises EncoderError if one is not finite: a NaN would count as "not near"."""
    if not np.isfinite(vectors).all():
        raise EncoderError("the encoder returned a vector that is not finite")
    return vectors
