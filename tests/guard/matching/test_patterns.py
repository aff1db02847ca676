"""Patterns: phrases as sorted, distinct byte strings, against a dictionary."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings

from guard.matching.patterns import Patterns
from guard.phrase import Phrase
from tests.guard import strategies


def read(patterns: Patterns) -> dict[bytes, tuple[float, float, int]]:
    """Return pattern -> penalty whatever follows, penalty at a word's end, first phrase; in the patterns' order."""
    texts = [patterns.text[a:b].tobytes() for a, b in pairwise(patterns.start.tolist())]
    values = zip(patterns.open_end.tolist(), patterns.word_end.tolist(), patterns.first.tolist(), strict=True)
    return dict(zip(texts, values, strict=True))


def test_a_word_begins_with_a_space_and_ends_with_a_word() -> None:
    assert read(Patterns.of([Phrase("Tea", penalty=2)])) == {b" tea": (0, 2, 0)}


def test_a_prefix_begins_with_a_space_and_ends_anywhere() -> None:
    assert read(Patterns.of([Phrase("Tea", match="prefix", penalty=2)])) == {b" tea": (2, 0, 0)}


def test_a_substring_begins_and_ends_anywhere() -> None:
    assert read(Patterns.of([Phrase("Tea", match="substring", penalty=2)])) == {b"tea": (2, 0, 0)}


def test_only_phrases_with_a_compact_form_have_a_compact_pattern() -> None:
    patterns = Patterns.compact([Phrase("tea"), Phrase("Harry Potter", "gated"), Phrase("Harry Potter", penalty=2)])
    assert read(patterns) == {b"harrypotter": (0, 2, 2)}


def test_no_phrases_have_no_patterns() -> None:
    patterns = Patterns.of([])
    assert (patterns.text.size, patterns.start.tolist(), patterns.first.size) == (0, [0], 0)


@settings(deadline=None)
@given(strategies.phrases)
def test_phrases_with_one_pattern_are_one_with_the_highest_penalties(phrases: list[Phrase]) -> None:
    expected: dict[bytes, tuple[float, float, int]] = {}
    for index, phrase in enumerate(phrases):
        text = (phrase.reached if phrase.match == "substring" else " " + phrase.reached).encode()
        opened, word, first = expected.get(text, (0.0, 0.0, index))
        if phrase.whole_word:
            word = max(word, phrase.penalty)
        else:
            opened = max(opened, phrase.penalty)
        expected[text] = (opened, word, first)
    assert list(read(Patterns.of(phrases)).items()) == sorted(expected.items())
