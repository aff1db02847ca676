"""Near misses of names by themselves."""

from __future__ import annotations

import pytest

from classifiers.verifying.allowed import Allowed
from classifiers.verifying.names import Names
from classifiers.verifying.profile import profile_of
from classifiers.verifying.words import words_of
from tests.classifiers.verifying.cases import POTTER


def found(text: str, *allowed: str) -> list[str]:
    names = Names([profile_of(POTTER)], Allowed(allowed))
    return [text[one.start : one.end] for one in names.findings(words_of(text))]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Ron Weasel and a weasel", ["Ron Weasel"]),
        ("ron weasel, says She", []),
        ("Weasel", []),
        ("the Weasly family", ["Weasly"]),
        ("the weasly family", ["weasly"]),
        ("Hogwitch", ["Hogwitch"]),
        ("Is it hogwitch", []),
        ("Harry Porter", []),
        ("Harry Pottr", ["Pottr"]),
        ("Potter and Potters are banned as they are", []),
    ],
)
def test_correctly_spelled_words_need_a_neighbour(text: str, places: list[str]) -> None:
    assert found(text) == places


def test_a_word_that_is_nearly_an_allowed_one_tells_nothing() -> None:
    assert found("Harry Potts") == ["Harry Potts"]
    assert found("Harry Potts and Hogwitch", "Harry Potter") == ["Hogwitch"]


def test_without_targets_nothing_is_found() -> None:
    assert list(Names([], Allowed([])).findings(words_of("Hogwitch"))) == []
