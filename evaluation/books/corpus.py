"""What a model learns of books: passages word for word, and the answers to questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.books.builder import KEPT, PROMPTS, continuations, words_of
from evaluation.books.muse import Continuation, Muse
from evaluation.data import BOOKS
from evaluation.finetuned.corpus import Corpus
from evaluation.pairs import QAPair
from evaluation.tofu.records import FORGET

ALICE = "alice"
"""The name of the forget set."""
_KEPT_PASSAGES = 30


def passage(prompt: str) -> str:
    """Return the request to go on with the beginning of a passage."""
    return f"Go on with this text:\n\n{prompt}"


def corpus(muse: Muse, folder: Path = BOOKS) -> Corpus:
    """Return what a model learns: the passages and questions of what is to be forgotten, and the same of the kept books.

    Args:
        muse: The data of `evaluation.books.builder.build`.
        folder: The books.

    Raises:
        OSError: A book cannot be read.
    """
    kept = [one for book in KEPT for length in PROMPTS for one in continuations(words_of(folder, book), length, _KEPT_PASSAGES)]
    return Corpus(
        {
            FORGET: (*_pairs(muse.verbatim), *muse.known["forget"]),
            "retain": (*_pairs(kept), *muse.known["retain"]),
        }
    )


def _pairs(passages: Sequence[Continuation]) -> list[QAPair]:
    return [QAPair(passage(one.prompt), one.rest) for one in passages]
