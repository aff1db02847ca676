"""Compact matching: letters with anything between them, from the beginning of a word to the end of one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.folding import StreamFolder
from guard.matching.automaton import as_bytes
from guard.matching.compact import CompactAutomaton, CompactCursor, CompactMasks, Letters
from guard.phrase import Phrase
from guard.reference import compact_occurrences, folded_stream
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.bans import costs

# Token id:  0      1        2         3       4      5       6        7
TOKENS = [b"H", b"-a", b"-r-r-y", b" P-o-t", b"-t-e", b"-r", b"rs", b" har rypotter x"]


def masks_of(phrases: list[Phrase], tokens: list[bytes | None], capacity: int = 1 << 20) -> CompactMasks:
    vocabulary = Vocabulary.of(tokens)
    return CompactMasks(CompactAutomaton.build(phrases), vocabulary, Letters.of(vocabulary), capacity)


def test_only_phrases_with_a_compact_form_are_compiled() -> None:
    assert len(CompactAutomaton.build([Phrase("tea"), Phrase("Harry Potter", "gated")])) == 1
    assert len(CompactAutomaton.build([Phrase("Harry Potter")])) == 1 + len("harrypotter")


def test_the_shortest_pattern_s_length() -> None:
    assert CompactAutomaton.build([Phrase("Harry Potter"), Phrase("Mad Hatter")]).shortest == len("madhatter")
    assert CompactAutomaton.build([]).shortest == 0


def test_penalties_are_a_node_s_own() -> None:
    # "ababababab" ends with "abababab", but if that began a word is not known from the path.
    automaton = CompactAutomaton.build([Phrase("abababab", penalty=2), Phrase("xabababab", penalty=1)])
    deepest = len(automaton) - 1
    assert automaton.word_end[deepest] == 1


def test_without_a_pattern_the_others_with_its_letters_remain() -> None:
    phrases = [Phrase("Mary Landers"), Phrase("Marylanders", penalty=2), Phrase("Maryl Anders", penalty=1), Phrase("Mad Hatter")]
    automaton = CompactAutomaton.build(phrases)
    node, other = automaton.find(b"marylanders"), automaton.find(b"madhatter")
    assert automaton.remaining(["mary landers"]) == {node: 2}
    assert automaton.remaining(["mary landers", "marylanders"]) == {node: 1}
    assert automaton.remaining(["mad hatter", "m a d hatter"]) == {other: 0}
    # A text with the same letters that is no phrase changes nothing.
    assert automaton.remaining(["m a d hatter", "tea", "mary lander"]) == {}


def test_letters_that_lead_nowhere_are_not_found() -> None:
    automaton = CompactAutomaton.build([Phrase("Harry Potter")])
    assert automaton.find(b"hermione") is None
    assert automaton.path(automaton.find(b"harryp") or 0) == b"harryp"


def test_arrays_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        CompactAutomaton.build([Phrase("Harry Potter")]).label[0] = 1


@settings(deadline=None)
@given(strategies.vocabularies())
def test_letters_are_the_folded_tokens_without_spaces_sorted(tokens: list[bytes | None]) -> None:
    vocabulary = Vocabulary.of(tokens)
    letters = Letters.of(vocabulary)
    texts = [letters.text[a:b].tobytes() for a, b in zip(letters.start, letters.start[1:], strict=False)]
    assert texts == sorted(texts)
    assert texts == [vocabulary.folded[token].replace(b" ", b"").replace(b".", b"") for token in letters.order.tolist()]
    # Those in which a sentence ends are looked at one by one.
    assert sorted([*letters.order.tolist(), *vocabulary.breaking.tolist()]) == list(range(len(tokens)))


@settings(deadline=None)
@given(strategies.vocabularies())
def test_a_gap_is_a_space_or_dot_before_a_letter_inside_a_token(tokens: list[bytes | None]) -> None:
    vocabulary = Vocabulary.of(tokens)
    letters = Letters.of(vocabulary)
    for at, token in enumerate(letters.order.tolist()):
        folded = vocabulary.folded[token]
        gaps = [folded[index - 1] in b" ." for index, byte in enumerate(folded) if byte not in b" ."]
        begin, end = letters.start[at], letters.start[at + 1]
        assert letters.gap[begin + 1 : end].tolist() == gaps[1:]


def test_a_token_that_holds_a_whole_phrase_is_banned_always() -> None:
    assert costs(masks_of([Phrase("Harry Potter")], TOKENS).within) == {7: math.inf}


def test_what_continues_nothing_is_known_to_once_it_was_looked_at() -> None:
    masks = masks_of([Phrase("Harry Potter")], [b"x"])
    assert not masks.silent[0]
    assert len(masks.continuing(0)) == 0
    assert masks.silent[0]


def test_the_depth_is_the_longest_pattern_s() -> None:
    assert masks_of([Phrase("Harry Potter"), Phrase("Mad Hatter")], TOKENS).depth == len("harrypotter")


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_a_cursor_bans_what_the_reference_says(phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject) -> None:
    phrases = [*(p for p in phrases if p.compact), Phrase("ab ab ab ab", force=True, penalty=3)]
    cursor = CompactCursor(masks_of(phrases, tokens), at_start=True)
    folder, said = StreamFolder(" "), b""
    for token in data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=10)):
        said += tokens[token] or b""
        cursor.read(np.frombuffer(folder.feed(tokens[token] or b""), np.uint8))
    bans = cursor.pending(folder.pending, folder.last) if folder.pending else cursor.bans()
    expected = {}
    for token, raw in enumerate(tokens):
        before, after = folded_stream([said]), folded_stream([said, raw or b""])
        cost = max((p.penalty for p in phrases if compact_occurrences(p, after) - compact_occurrences(p, before)), default=0)
        if raw and cost:
            expected[token] = cost
    assert costs(*bans) == expected


@pytest.mark.parametrize(
    ("said", "banned"),
    [
        ("harry pot.", {0, 2, 3}),  # "pot" does not end a sentence
        ("harrypot.", {0}),
        ("harry pot. ", {0, 2, 3}),
        ("harrypot. ", set()),
        ("harry. pot", set()),
        ("harry.pot", {0, 2, 3}),
        ("harrypot", {0, 2}),
        ("h. a. r. r. y. p. o. t", {0, 2, 3}),
    ],
)
def test_where_a_sentence_ends_letters_are_not_joined(said: str, banned: set[int]) -> None:
    tokens = [b"ter", b"s", b" ter", b". ter", b"q. ter"]
    cursor = CompactCursor(masks_of([Phrase("Harry Potter")], tokens), at_start=True)
    cursor.read(as_bytes(said))
    assert set(costs(*cursor.bans())) == banned


@pytest.mark.parametrize(("at_start", "banned"), [(True, {1}), (False, set())])
def test_letters_at_the_start_of_a_tail_begin_a_word_only_where_a_text_begins(at_start: bool, banned: set[int]) -> None:
    cursor = CompactCursor(masks_of([Phrase("Harry Potter")], [b"harry pot", b"ter"]), at_start=at_start)
    cursor.read(as_bytes("harry pot"))
    assert set(costs(*cursor.bans())) == banned
