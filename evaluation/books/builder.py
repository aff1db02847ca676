"""Builds data in MUSE's form from plain texts: one book to forget, books to keep, books that were never seen.

The questions of two books were written for this: `data/alice_in_wonderland.jsonl`, which is to be forgotten, and
`data/peter_pan.jsonl`, which is to be kept. Each answer is in its book.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.books.muse import FOLDS, Continuation, Muse
from evaluation.data import BOOKS
from evaluation.pairs import load_jsonl

DATA = Path(__file__).parent / "data"
FORGET, KEPT, HELD_OUT = (
    "alice_in_wonderland",
    ("peter_pan", "wizard_of_oz"),
    ("jungle_book", "dorian_gray", "sherlock_holmes"),
)
PROMPTS = (50, 100, 200)
"""Words of a passage that are given; the model goes on."""
REST = 100
"""Words that it should not know."""
CHUNK = 256
"""Words of a text of which it is asked whether the model was trained on it."""


def build(folder: Path = BOOKS, passages: int = 100, chunks: int = 100) -> Muse:
    """Return the data of the books in a folder.

    Args:
        folder: The books, as UTF-8 text.
        passages: The most passages for each length of `PROMPTS`.
        chunks: The most texts of each kind, of `CHUNK` words each.

    Raises:
        OSError: A book cannot be read.
        ValueError: A book is too short.
    """
    forget = words_of(folder, FORGET)
    seen = {
        "forget": cut(forget, CHUNK, chunks),
        "retain": [text for name in KEPT for text in cut(words_of(folder, name), CHUNK, chunks // len(KEPT))],
        "holdout": [text for name in HELD_OUT for text in cut(words_of(folder, name), CHUNK, chunks // len(HELD_OUT))],
    }
    parts = cut(forget, len(forget) // len(FOLDS), len(FOLDS))
    return Muse(
        {"forget": load_jsonl(DATA / f"{FORGET}.jsonl"), "retain": load_jsonl(DATA / f"{KEPT[0]}.jsonl")},
        [one for length in PROMPTS for one in continuations(forget, length, passages)],
        seen,
        {name: parts[: at + 1] for at, name in enumerate(FOLDS)},
        {name: [part] for name, part in zip(FOLDS, parts, strict=True)},
    )


def words_of(folder: Path, name: str) -> list[str]:
    """Return the words of a book as it is written, capitals and punctuation included."""
    return (folder / f"{name}.txt").read_text("utf-8").split()


def continuations(words: Sequence[str], given: int, most: int) -> list[Continuation]:
    """Return passages at even distances: `given` words, and the `REST` words behind them."""
    found = []
    for text in cut(words, given + REST, most):
        passage = text.split()
        found.append(Continuation(" ".join(passage[:given]), " ".join(passage[given:])))
    return found


def cut(words: Sequence[str], length: int, most: int) -> list[str]:
    """Return at most `most` texts of `length` words each, at even distances and without overlap.

    Raises:
        ValueError: There are fewer words than one text has.
    """
    count = min(most, len(words) // length)
    if count < 1:
        raise ValueError(f"a text of {len(words)} words is too short for {length} at a time")
    step = len(words) // count
    return [" ".join(words[at * step : at * step + length]) for at in range(count)]
