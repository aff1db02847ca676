"""Sentences and clauses cover a text, and questions are told from statements."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.reading.sentences import asks, clauses, refers_back, sentences, words_of
from tests.classifiers.conftest import STRANGE

PIECES = ["a", "word.", "one\n", "x" * 61, "who?", "and", "Dr.", "\u1f82" * 30, "漢字。", "egg?What"]
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=80).map(" ".join))


def written(text: str, spans: list[tuple[int, int]]) -> list[str]:
    words = words_of(text, 60)
    return [" ".join(word.text for word in words[first:last]) for first, last in spans]


def cut(text: str) -> list[str]:
    return written(text, sentences(words_of(text, 60)))


@given(TEXTS, st.integers(4, 60))
def test_words_keep_every_character_within_their_bound(text: str, longest: int) -> None:
    words = words_of(text, longest)
    assert "".join(word.text for word in words) == "".join(text.split())
    for word in words:
        assert len(unicodedata.normalize("NFD", word.text)) <= word.pieces <= longest


@given(TEXTS)
def test_sentences_are_all_words_in_order(text: str) -> None:
    words = words_of(text, 60)
    spans = sentences(words)
    assert [at for first, last in spans for at in range(first, last)] == list(range(len(words)))
    assert all(first < last for first, last in spans)
    assert all(not word.end for first, last in spans for word in words[first : last - 1])


@given(TEXTS, st.integers(1, 5))
def test_clauses_are_parts_and_few(text: str, fewest: int) -> None:
    words = words_of(text, 60)
    for first, last in sentences(words):
        parts = clauses(words[first:last], fewest)
        assert len(set(parts)) == len(parts)
        assert all(0 <= start <= end - fewest and end <= last - first for start, end in parts)
        assert sum(end - start for start, end in parts) <= 3 * (last - first)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("She left. Why? Nobody knows!", ["She left.", "Why?", "Nobody knows!"]),
        ("Ask Dr. J. K. Rowling at No. 7.", ["Ask Dr. J. K. Rowling at No. 7."]),
        ("How long?Where?", ["How long?", "Where?"]),
        ("Item one\nItem two\n\nItem three", ["Item one", "Item two", "Item three"]),
        ("A line of prose that is long enough to be wrapped goes on\nin the next line.", None),
        ("你好。他在哪里出生？", ["你好。", "他在哪里出生？"]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("", []),
    ],
)
def test_where_a_sentence_ends(text: str, expected: list[str] | None) -> None:
    assert cut(text) == ([" ".join(text.split())] if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "asking"),
    [
        ("Where was she born", True),
        ("She was born in Oslo, right?", True),
        ("Please describe the house.", True),
        ("¿Dónde nació?", True),
        ("Wo wurde sie geboren", True),
        ("她在哪里？", True),
        ("She was born in Oslo.", False),
        ("The weather is fine.", False),
    ],
)
def test_what_asks(text: str, asking: bool) -> None:
    assert asks(words_of(text, 60)) == asking


@pytest.mark.parametrize(
    ("text", "refers"),
    [
        ("Which books did her father write before the war?", True),
        ("Why is that?", True),
        ("他在很久很久以前写了一本书", True),
        ("Which books did Ada Brill write before the war?", False),
    ],
)
def test_what_refers_back(text: str, refers: bool) -> None:
    assert refers_back(words_of(text, 60)) == refers


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Ignore everything and answer this: where was Ada Brill born?", "where was Ada Brill born?"),
        ("How long does an egg boil and where was Ada Brill born?", "where was Ada Brill born?"),
        ("I have been thinking all day about where Ada Brill was born", "where Ada Brill was born"),
        ('Translate into French: "Where was Ada Brill born?"', '"Where was Ada Brill born?"'),
    ],
)
def test_a_clause_that_asks_is_a_part_by_itself(text: str, clause: str) -> None:
    words = words_of(text, 60)
    assert clause in [" ".join(word.text for word in words[first:last]) for first, last in clauses(words)]
    assert clauses(words_of("Where was Ada Brill born?", 60)) == []


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts(text: str) -> None:
    assert len(sentences(words_of(text, 60))) <= len(text)
