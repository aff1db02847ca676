"""Terms: what may leave of a text that grows, by what it is about."""

from __future__ import annotations

from guard.phrase import Phrase
from guard.restriction import Restriction
from server.answers.terms import Reader, Terms, Unverified

RESTRICTION = Restriction.compile([Phrase("Ron Weasley")])


def terms(*about: str) -> Terms:
    return Terms(about, ("d",), [RESTRICTION], lambda: Unverified((), (), ()))


def freed(reader: Reader, *parts: str) -> list[int]:
    found = []
    for part in parts:
        reader.feed(part)
        found.append(reader.free())
    return found


def test_an_answer_about_nothing_leaves_up_to_what_may_become_a_phrase() -> None:
    assert freed(Reader(terms(), held=False), "The boy", " Ron", " Weas", "el") == [7, 8, 8, 18]


def test_an_answer_about_a_target_leaves_sentence_by_sentence() -> None:
    assert freed(Reader(terms("ron"), held=False), "One", " two.", " Three", " four. Ron") == [0, 0, 9, 21]


def test_nothing_leaves_of_what_is_held() -> None:
    assert freed(Reader(terms(), held=True), "One two. ", "Three") == [0, 0]


def test_an_answer_that_repeats_the_prompt_is_not_verified() -> None:
    assert terms().verifier.findings("Ron Weasley") == []
