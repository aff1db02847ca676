"""The policy that keeps a book from being said word for word: every run of its words is a phrase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evaluation.books.muse import FOLDS, Muse
from evaluation.tofu.policy import ABSTAIN, REFUSE

RUN = 8
"""Words of a run. Shorter runs are in other texts, too; longer ones give more of the book away."""
_PHRASES = 9_000  # a target has at most 10,000


def policy(muse: Muse, name: str, way: str, run: int = RUN) -> dict[str, Any]:
    """Return a policy in the form of the server's policy file.

    Each run of words is banned in every answer. The questions about the book are examples, so that an answer to one is about it.
    A book of many runs is several targets.

    Args:
        muse: The data of a book.
        name: The book's name.
        way: What becomes of answers: "abstain", "rephrase", "mask" or "refuse".
        run: Words of a run.
    """
    phrases = runs(" ".join(muse.growing[FOLDS[-1]]).split(), run)
    asked = muse.known["forget"]
    parts = [phrases[start : start + _PHRASES] for start in range(0, len(phrases), _PHRASES)]
    return {
        "version": 1,
        "defaults": {"answer": ABSTAIN if way == REFUSE else way},
        "targets": [
            {
                "id": f"book-{number}",
                "name": name,
                "action": "refuse" if way == REFUSE else "suppress",
                "examples": [{"prompt": one.question, "completion": one.answer} for one in asked[number :: len(parts)]],
                "phrases": [{"text": phrase, "scope": "always", "force": True, "forms": []} for phrase in part],
                "semantic": None,
            }
            for number, part in enumerate(parts)
        ],
    }


def runs(words: Sequence[str], length: int) -> list[str]:
    """Return each run of `length` words once, in their order."""
    return list(dict.fromkeys(" ".join(words[at : at + length]) for at in range(len(words) - length + 1)))
