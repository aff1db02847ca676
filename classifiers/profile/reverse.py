"""Reverse questions: a prompt that says the answer of an example and asks for whom it is about.

"Where was Y. T. born?" "In Siglufjörður." So "Which writer was born in Siglufjörður?" is about Y. T. (the reverse probes of RWKU:
Jin et al. 2024, arXiv 2406.10890). A rare word of the answer is not enough ("the museum in Siglufjörður"): a word of the question
is needed, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from classifiers.profile.words import information, informative, stem, words_of
from classifiers.target import ForgetTarget

REVERSE = "reverse"
SCORE = 0.8
# The information of a word of an answer that hardly anything else has. A number is none: many things happened in 1970.
_RARE = 0.9


class Told(NamedTuple):
    """An example as stems: the rare ones of its answer, and the telling ones of its question without the target's names."""

    answer: frozenset[str]
    question: frozenset[str]


def told_by(target: ForgetTarget) -> list[Told]:
    """Return the examples of a target whose answers tell something rare."""
    own = {stem(word) for name in target.names for word in words_of(name)}
    found = []
    for example in target.examples:
        asked = informative([example.prompt])
        words = (word for word in words_of(example.completion) if word.isalpha() and information(word) >= _RARE)
        rare = set(map(stem, words)) - own - asked.keys()
        if rare and (question := asked.keys() - own):
            found.append(Told(frozenset(rare), frozenset(question)))
    return found


def asks_back(told: Iterable[Told], said: Collection[str], capitals: Collection[str], known: Collection[str]) -> bool:
    """Return whether a prompt repeats words of an example's question and of its answer, and names nobody else.

    Args:
        told: The examples of a target.
        said: The telling stems of the prompt.
        capitals: Those that may be names.
        known: The telling stems of all texts of the target.
    """
    if not all(word in known for word in capitals):
        return False
    return any(not one.answer.isdisjoint(said) and not one.question.isdisjoint(said) for one in told)
