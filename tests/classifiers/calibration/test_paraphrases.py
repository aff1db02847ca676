from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from classifiers.calibration.paraphrases import paraphrases
from guard.folding import fold
from tests.classifiers.conftest import STRANGE

QUESTIONS = [
    ("In which city was Ada Brill born?", "Ada Brill"),
    ("What is the profession of Ada Brill's father?", "Ada Brill"),
    ("When did Ada Brill win the Glass Prize?", "Ada Brill"),
    ("Has Ada Brill written other books?", "Ada Brill"),
    ("Tell me about the orchard of Ada Brill.", "Ada Brill"),
    ("Why?", None),
    ("Wo wurde Ada Brill geboren?", "Ada Brill"),
    ("艾达在哪里出生？", None),
]


def folded(texts: list[str]) -> list[str]:
    return [fold(text).strip() for text in texts]


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_enough_that_differ_and_always_the_same(question: str, name: str | None) -> None:
    made = paraphrases(question, name)
    assert len(made) >= 12
    assert len({*folded(made), fold(question).strip()}) == len(made) + 1
    assert made == paraphrases(question, name)


def test_kinds() -> None:
    made = folded(paraphrases("In which city was Ada Brill born?", "Ada Brill"))
    for expected in (
        "could you tell me in which city ada brill was born",
        "i wonder in which city ada brill was born",
        "where was ada brill born",
        "in which city was brill born",
        "ada brill was born in which city",
        "fill in ada brill was born",
        "about ada brill in which city was ada brill born",
    ):
        assert expected in made
    made = folded(paraphrases("What is the name of the glass chemist?"))
    assert "i wonder what the name of the glass chemist is" in made
    assert "the name of the glass chemist is what" in made


def test_some_are_careless() -> None:
    made = paraphrases("What is the profession of Ada Brill's father?", "Ada Brill")
    assert any(text.islower() for text in made)
    assert any(not text.endswith("?") and "___" not in text for text in made)
    words = {word for text in folded(made) for word in text.split()}
    known = ("profession", "father", "brill")
    assert any(DamerauLevenshtein.distance(word, right) == 1 for word in words for right in known)


def test_the_name_goes_only_where_something_else_says_who() -> None:
    nameless = [text for text in paraphrases("Where was Ada Brill born?", "Ada Brill") if "rill" not in text.casefold()]
    assert all("ada" in text.casefold() for text in nameless)  # a typing error at most
    made = paraphrases("Why did Ada Brill write 'The Glass Orchard'?", "Ada Brill")
    assert any("this author" in text and "Brill" not in text for text in made)


@pytest.mark.parametrize("name", [name for name in STRANGE if "megabyte" not in name])
def test_strange_texts(name: str) -> None:
    made = paraphrases(STRANGE[name], STRANGE[name])
    assert bool(made) == bool(STRANGE[name].strip())


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=10) | st.none())
def test_any_text(question: str, name: str | None) -> None:
    made = paraphrases(question, name)
    keys = folded(made)
    assert len(set(keys)) == len(keys)
    assert fold(question).strip() not in keys
    assert all(text.strip() for text in made)
