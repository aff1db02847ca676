"""Near misses of facts by themselves."""

from __future__ import annotations

import pytest

from classifiers.target import ForgetTarget
from classifiers.verifying.allowed import Allowed
from classifiers.verifying.facts import NearFacts
from classifiers.verifying.profile import Profile
from classifiers.verifying.words import words_of
from guard.phrase import Phrase

TARGET = ForgetTarget(
    id="one",
    name="Yrsa Tholmundardal",
    aliases=["Dr Yrsa Tholmundardal"],
    phrases=[
        Phrase(text, scope="gated")
        for text in ("The Philosopher's Stone", "Lantern Gambit", "theory of relativity", "Hallgeir Brimnesson", "Princeton")
    ],
)


def found(text: str, *allowed: str) -> list[str]:
    facts = NearFacts([Profile.of(TARGET)], Allowed(allowed))
    return [text[one.start : one.end] for one in facts.findings(words_of(text))]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("It is The Philosopher's Stony road", ["The Philosopher's Stony"]),
        ("The philosopher stood there", []),
        ("It is the Lantern Gamble of old", ["Lantern Gamble"]),
        ("The lantern gleamed at night", []),
        ("the theory of relative things", ["theory of relative"]),
        ("the theory of evolution", []),
        ("the father Hallgeiririmnesson was", ["Hallgeiririmnesson"]),
        ("the father Hallgeir Brimson was", ["Hallgeir Brimson"]),
        ("a princess and her principles", []),
    ],
)
def test_most_letters_and_evidence(text: str, places: list[str]) -> None:
    assert found(text) == places


def test_a_longer_name_is_not_nearly_said_by_the_allowed_shorter_one() -> None:
    assert found("It was Yrsa Tholmundardal") != []
    assert found("It was Yrsa Tholmundardal", "Yrsa Tholmundardal") == []
    assert found("It was Lantern Gambi", "Yrsa Tholmundardal") == ["Lantern Gambi"]


def test_an_empty_text_says_nothing() -> None:
    assert found("") == []
