from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.written import Written, closed_initials
from guard.folding import fold


@given(st.text())
def test_the_words_are_the_folded_words(text: str) -> None:
    written = Written(text)
    assert written.words == fold(text).split()
    at = 0
    for number, word in enumerate(written.words):
        at += len(word.encode("utf-8", "surrogatepass"))
        assert written.range_at(at, 1) == range(number, number + 1)
        at += 1
        assert isinstance(written.begins(number) or written.capital(number) or written.upper(number), bool)


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("Who sings in Frozen?", True),
        ("who sings in frozen", False),
        ("WHO SINGS IN FROZEN?", False),
        ("The Cast of Frozen", False),  # Title Case
        ("Frozen", False),
        ("Bob's iPad's", True),
        ("Bob's", False),
        ("", False),
        ("今天 ABC", False),
    ],
)
def test_whether_capitals_tell_names(text: str, tells: bool) -> None:
    assert Written(text).says_names is tells


def test_beginnings_of_sentences() -> None:
    text = Written('One two. Three: Four (Five) "Six seven" Dr. Eight J. Nine\nTen, Eleven')
    begun = [word for number, word in enumerate(text.words) if text.begins(number)]
    assert begun == ["one", "three", "four", "six", "ten"]


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        ("Does Frozen Planet matter", True),
        ("Does Frozen, Planet matter", False),
        ("Does Frozen planet matter", False),
        ("Toyota Frozen matters", True),
        ("Does Frozen II matter", False),
        ("Does Dr Frozen matter", False),
        ("Does Disney Frozen matter", False),
        ("Does it say When Frozen matters", True),
        ("Frozen", False),
    ],
)
def test_longer_names(text: str, longer: bool) -> None:
    written = Written(text)
    at = written.words.index("frozen")
    assert written.in_longer_name(at, at + 1, {"disney", "when"}, True) is longer


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        ("Wo hat die Telefonfirma Nokia ihren Hauptsitz?", False),
        ("Seit wann gibt es den Konzern Nokia in Finnland?", False),
        ("Der Hersteller Nokia kommt aus Finnland, nicht wahr?", False),
        ("Wo wohnt eigentlich Thomas Nokia in Berlin?", True),  # no article
        ("Wo hat die Nokia Reifenfabrik ihren Hauptsitz?", True),  # behind the name
        ("Did they see the man die Hard Nokia and then leave the town?", True),  # no German
    ],
)
def test_german_nouns_before_a_name(text: str, longer: bool) -> None:
    written = Written(text)
    at = written.words.index("nokia")
    assert written.in_longer_name(at, at + 1, set(), False) is longer


@pytest.mark.parametrize(
    ("text", "longer"),
    [
        ("Who wrote Frozen in the Sky?", True),
        ("Who wrote Frozen in the sky?", False),
        ("Does Frozen of the Seas sail?", True),
        ("Is Frozen on Hulu in Manchester?", False),  # names, no ordinary words
        ("Is Frozen in the Disney?", False),  # a word of the target
        ("Was William of Frozen a king?", True),
        ("Was the House of the Frozen full?", True),
        ("Who is the CEO of Frozen?", False),
        ("Fans of Frozen, unite", False),
        ("Is the Sky in Frozen blue?", False),
        ("Does Frozen of, Seas sail?", False),
        ("Is Frozen of", False),
        ("of Frozen", False),
    ],
)
def test_titles_and_names_that_small_words_join(text: str, longer: bool) -> None:
    written = Written(text)
    at = written.words.index("frozen")
    assert written.in_longer_name(at, at + 1, {"disney"}, True) is longer
    assert not written.in_longer_name(at, at + 1, {"disney"}, False)


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("Did it leave the W.H.O. in 2020?", "Did it leave the WHO in 2020?"),
        ("I.B.M.", "IBM"),
        ("J. R. Smith", "J. R. Smith"),
        ("J.R.R. Tolkien", "JRR Tolkien"),
        ("a.b.c. A. A.com", "a.b.c. A. A.com"),
        ("", ""),
    ],
)
def test_abbreviations_lose_their_dots(text: str, closed: str) -> None:
    assert closed_initials(text) == closed


def test_quotations() -> None:
    for text in ("'Frozen'", "say “Frozen” now", "«Frozen»?", '"Frozen,"'):
        written = Written(text)
        at = written.words.index("frozen")
        assert written.quoted(at, at + 1), text
    for text in ('"frozen"', '"Frozen peas"', "Frozen's", "it's Frozen's"):
        written = Written(text)
        at = written.words.index("frozen")
        assert not written.quoted(at, at + 1), text


@pytest.mark.parametrize(
    ("text", "first", "end", "expected"),
    [
        ("Who is the mad hatter?", 3, 5, True),
        ("mad hatter", 0, 2, True),
        ("Tell me about the mad hatter", 4, 6, True),
        ("Why is the mad hatter late for tea?", 3, 5, False),
        ("Is she a mad hatter?", 3, 5, False),
        ("Bake bread.\nWho is the mad hatter?\nThanks a lot for the flour.", 5, 7, True),
        ("Call Hatta X.", 1, 2, True),
    ],
)
def test_a_line_may_say_next_to_nothing_else(text: str, first: int, end: int, expected: bool) -> None:
    assert Written(text).alone(first, end) is expected


@pytest.mark.parametrize(("text", "small"), [("who wrote it, 2nd time", True), ("who is Ada", False), ("", True)])
def test_a_text_without_capitals(text: str, small: bool) -> None:
    assert Written(text).small is small


@pytest.mark.parametrize(
    ("text", "number", "means"),
    [
        ("How did Merkel see it?", 2, True),
        ("how did merkel see it", 2, True),
        ("How did the merkel see it?", 3, False),  # written small where names have capitals
        ("How did Brown see it?", 2, True),
        ("how did brown see it", 2, False),  # an ordinary word
        ("Brown saw it", 0, False),  # the capital may be that of the sentence
        ("Merkel saw it", 0, True),
        ("HOW DID BROWN SEE IT", 2, False),  # capitals tell nothing
    ],
)
def test_a_word_that_many_people_bear_may_mean_somebody(text: str, number: int, means: bool) -> None:
    assert Written(text).mean_somebody(range(number, number + 1)) is means


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("Who is Y. T.?", True),
        ("Who is Y.T. the singer?", True),
        ("Who is Y. T.? Tell me.", True),
        ("who is y. t.?", False),
        ("Who is Y.t.?", False),
        ("Who is Y. T. Barnum?", False),
        ("Who is Y. T. B.?", False),
    ],
)
def test_initials_are_in_capitals_and_no_part_of_a_longer_name(text: str, mean: bool) -> None:
    assert Written(text).mean_somebody(range(2, 4)) is mean


def test_initials_have_no_other_one_before_them() -> None:
    assert not Written("Who is J. Y. T.?").mean_somebody(range(3, 5))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("The author whose initials are Y. T.", True),
        ("Wer hat die Initialen Y. T.?", True),
        ("Was the author called Y. T.?", False),
        ("Are these initials of Yrsa Tholm?", False),
    ],
)
def test_a_text_may_say_that_letters_are_initials(text: str, told: bool) -> None:
    written = Written(text)
    assert written.by_initials(range(len(written.words) - 2, len(written.words))) is told
