"""Patterns: phrases as sorted, distinct byte strings, against a dictionary."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings

from guard.form import Form
from guard.matching.patterns import CUT_OPEN, CUT_WORD, ENDED, ENDING, OPEN, WORD, Patterns, places, whole_places
from guard.phrase import Phrase
from tests.guard import strategies

Entry = tuple[float, float, float, int]


def read(patterns: Patterns) -> dict[bytes, Entry]:
    """Return pattern -> penalties whatever follows, at a word's end, at an ending; first phrase; in the patterns' order."""
    texts = [patterns.text[a:b].tobytes() for a, b in pairwise(patterns.start.tolist())]
    values = zip(*patterns.ends.tolist(), patterns.first.tolist(), strict=True)
    return dict(zip(texts, values, strict=True))


def test_a_word_begins_with_a_space_and_ends_with_a_word() -> None:
    assert read(Patterns.of([Phrase("Tea", penalty=2)])) == {b" tea": (0, 2, 0, 0)}


def test_a_prefix_begins_with_a_space_and_ends_anywhere() -> None:
    assert read(Patterns.of([Phrase("Tea", match="prefix", penalty=2)])) == {b" tea": (2, 0, 0, 0)}


def test_a_substring_begins_and_ends_anywhere() -> None:
    assert read(Patterns.of([Phrase("Tea", match="substring", penalty=2)])) == {b"tea": (2, 0, 0, 0)}


def test_a_substring_s_first_word_may_end_a_sentence() -> None:
    assert list(read(Patterns.of([Phrase("Mads hat on", match="substring")]))) == [b"mads hat on", b"mads.hat on"]
    # A short word never ends one, and in the others of these one ends there already or must not.
    assert list(read(Patterns.of([Phrase("Mad hat", match="substring")]))) == [b"mad hat"]
    assert list(read(Patterns.of([Phrase("Mads. Hat on", match="substring")]))) == [b"mads.hat on"]
    assert list(read(Patterns.of([Phrase("Mads hat on", match="prefix")]))) == [b" mads hat on"]


def test_with_a_beta_each_point_is_a_pattern() -> None:
    assert read(Patterns.of([Phrase("Mad hat", penalty=2, beta=0.7)])) == {
        b" mad h": (2, 0, 0, 0),
        b" mad ha": (2, 0, 0, 0),
        b" mad hat": (0, 2, 0, 0),
    }


def test_a_form_may_end_at_an_ending() -> None:
    form = Form("Harry Potter", "gated", penalty=2, kind="inflection", ending=True)
    assert read(Patterns.of([form])) == {b" harry potter": (0, 2, 2, 0)}


def test_texts_end_whatever_follows() -> None:
    assert read(Patterns.texts([b" tea", b"cup"])) == {b" tea": (1, 0, 0, 0), b"cup": (1, 0, 0, 1)}


def test_a_pattern_is_all_of_a_phrase_or_a_beginning_of_it() -> None:
    parts = dict(places(Phrase("Mad Hatter", beta=0.7)))
    assert parts == {b" mad hat": CUT_OPEN, b" mad hatt": CUT_OPEN, b" mad hatte": CUT_OPEN, b" mad hatter": WORD}
    assert dict(places(Phrase("Mad Hatter tea", beta=0.5)))[b" mad hatter"] == CUT_WORD
    assert dict(places(Phrase("Mads hat", match="substring"))) == {b"mads hat": OPEN, b"mads.hat": ENDED}
    form = Form("Mad Hatter", "gated", kind="word", ending=True)
    assert places(form) == [(b" mad hatter", WORD), (b" mad hatter", ENDING)]


@settings(deadline=None)
@given(strategies.phrases)
def test_all_of_a_phrase_is_where_its_pattern_says(phrases: list[Phrase]) -> None:
    for phrase in phrases:
        known = dict(whole_places(phrase.pattern))
        for text, part in places(phrase):
            assert (part in (CUT_OPEN, CUT_WORD)) or part in known[text]


def test_no_phrases_have_no_patterns() -> None:
    patterns = Patterns.of([])
    assert (patterns.text.size, patterns.start.tolist(), patterns.first.size) == (0, [0], 0)


@settings(deadline=None)
@given(strategies.phrases)
def test_phrases_with_one_pattern_are_one_with_the_highest_penalties(phrases: list[Phrase]) -> None:
    expected: dict[bytes, Entry] = {}
    for index, phrase in enumerate(phrases):
        lead = "" if phrase.match == "substring" else " "
        entries = [(lead + text, 1 if whole else 0) for text, whole in phrase.ends()]
        if isinstance(phrase, Form) and phrase.ending:
            entries.append((lead + phrase.pattern, 2))
        if phrase.match == "substring":
            entries += [(re.sub("^([^ .]{4,}) ", r"\1.", text), kind) for text, kind in entries]
        for text, kind in entries:
            *penalties, first = expected.get(text.encode(), (0.0, 0.0, 0.0, index))
            penalties[kind] = max(penalties[kind], phrase.penalty)
            expected[text.encode()] = (*penalties, first)  # type: ignore[assignment]
    assert list(read(Patterns.of(phrases)).items()) == sorted(expected.items())
