"""Names that are heard in other spellings, and words that do not sound like them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from classifiers.multilingual.heard import LEAST, Runs, _of_name, is_heard


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Oslo", "Как доехать до Осло?"),
        ("Nokia", "ノキアの本社はどこですか？"),
        ("Picasso", "Πότε γεννήθηκε ο Πικάσο;"),
        ("Lego", "레고는 누가 만들었나요?"),
        ("Nokia", "نوكيا شركة من أي بلد؟"),
        ("Zorro", "ज़ोरो कौन था?"),
        ("The Beatles", "Кто основал Битлз?"),
        ("Yrsa Tholmundardal", "Где родилась Ирса Толмундардаль?"),
        ("Picasso", "Wo steht Picassos Haus?"),
    ],
)
def test_names_are_heard(name: str, text: str) -> None:
    assert is_heard([name], Runs(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Nokia", "Сколько стоит хлеб?"),
        ("Picasso", "Wie wird das Wetter morgen?"),
        ("Yrsa Tholmundardal", "Где родился Исаак Ньютон?"),
        ("Ea", "Еа"),
        ("", "Осло"),
        ("Oslo", ""),
        ("Oslo", "?!"),
    ],
)
def test_other_words_are_not(name: str, text: str) -> None:
    assert not is_heard([name], Runs(text))


@given(st.text(max_size=40), st.text(max_size=80))
def test_a_similarity_is_between_zero_and_one(name: str, text: str) -> None:
    assert 0 <= Runs(text).similarity(name) <= 1


@given(st.from_regex(r"[A-Z][bdklmnrst][aeiou][bdklmnrst][a-z]{1,6}", fullmatch=True))
def test_a_name_is_heard_in_a_text_that_holds_it(name: str) -> None:
    # A name of one consonant, such as "Lulla", sounds like too many words.
    assume(len(_of_name(name)[0]) > 1)
    assert Runs(f"oje {name} oje").similarity(name) >= LEAST
