"""The loops of compact matching against slow forms: letters, and where words began."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.folding import StreamFolder
from guard.matching import compactkernels, trie
from guard.matching.compact import CompactAutomaton, Letters
from guard.phrase import Phrase
from guard.reference import compact_occurrences
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies

PHRASES = st.lists(st.text("ab ", min_size=8, max_size=16), min_size=1, max_size=5).map(
    lambda texts: [Phrase("abba abba", force=True), *(Phrase(t, force=True) for t in texts if t.strip())]
)
FOLDED = st.text("aabb .", max_size=24).map(lambda text: StreamFolder().feed_text(" " + text))


def state(automaton: CompactAutomaton, text: str) -> tuple[int, np.uint64, int]:
    a = automaton
    start = (0, np.uint64(0), 1)
    return compactkernels.advance(a.first_child, a.label, a.fail, *start, np.frombuffer(text.encode(), np.uint8))  # type: ignore[no-any-return]


@settings(deadline=None)
@given(PHRASES, FOLDED)
def test_the_state_is_the_longest_suffix_of_letters_and_where_words_began(phrases: list[Phrase], text: str) -> None:
    automaton = CompactAutomaton.build(phrases)
    node, begun, spaced = state(automaton, text)
    # Only what follows the last sentence end counts.
    ends = [m.end() for m in re.finditer(r"\. ", text) if len(re.split("[ .]", text[: m.start()])[-1]) > 3]
    rest = text[ends[-1] - 1 :] if ends else text
    letters = rest.replace(" ", "").replace(".", "")
    beginnings = {p.compact[:length] for p in phrases for length in range(len(p.compact) + 1)}
    longest = next(letters[at:] for at in range(len(letters) + 1) if letters[at:] in beginnings)
    assert automaton.level[node] == len(longest)
    began = [rest[at - 1] in " ." for at, character in enumerate(rest) if character not in " ."]
    assert [bool(int(begun) >> back & 1) for back in range(len(began))] == began[::-1]
    assert spaced == (2 if text[-1] == "." else text[-1] == " ")
    assert compactkernels.may_end_sentence(begun, spaced) == (text[-1] == "." and len(re.split("[ .]", rest[:-1])[-1]) > 3)


@settings(deadline=None)
@given(PHRASES, FOLDED)
def test_text_completes_what_the_reference_finds(phrases: list[Phrase], text: str) -> None:
    a = CompactAutomaton.build(phrases)
    completed = compactkernels.completes(
        *(a.first_child, a.label, a.fail, a.level, a.word_end, 0, np.uint64(0), 1),
        np.frombuffer(text.encode(), np.uint8),
    )
    assert (completed > 0) == any(compact_occurrences(phrase, text) for phrase in phrases)


@settings(deadline=None)
@given(PHRASES, FOLDED, st.lists(FOLDED, min_size=1, max_size=4))
def test_what_is_left_is_without_the_nodes_that_end_less(phrases: list[Phrase], text: str, more: list[str]) -> None:
    a = CompactAutomaton.build(phrases)
    node, begun, spaced = state(a, text)
    where = node, np.uint64(begun), spaced
    tokens = [one.encode() for one in more]
    data, start = np.frombuffer(b"".join(tokens), np.uint8), np.append(0, np.cumsum([len(token) for token in tokens]))

    def left(nodes: list[int]) -> list[float]:
        gone = np.array(nodes, np.int32), np.zeros(len(nodes), np.float32)
        return compactkernels.all_left(*a.table, *gone, *where, data, start).tolist()  # type: ignore[no-any-return]

    assert left([]) == [compactkernels.completes(*a.table, *where, data[first:last]) for first, last in pairwise(start)]
    others = CompactAutomaton.build(phrases[1:])
    only = {phrases[0].compact} - {phrase.compact for phrase in phrases[1:]}
    end = a.find(phrases[0].compact.encode()) if only else None
    node, begun, spaced = state(others, text)
    there = node, np.uint64(begun), spaced
    wanted = [compactkernels.completes(*others.table, *there, data[first:last]) for first, last in pairwise(start)]
    assert left([end] if end else []) == wanted


def test_open_paths_begin_with_a_word() -> None:
    # Letters so far: "ab ab"; the suffixes "abab" and "ab" begin words, "bab" and "b" do not.
    a = CompactAutomaton.build([Phrase("abababab"), Phrase("babababa"), Phrase("bbbbbbbb")])
    node, begun, spaced = state(a, " ab ab")
    paths = compactkernels.open_paths(a.fail, a.level, node, begun, spaced)
    assert [int(a.level[path]) for path in paths] == [4, 2]


def test_behind_a_space_the_root_is_an_open_path() -> None:
    a = CompactAutomaton.build([Phrase("abababab")])
    assert compactkernels.open_paths(a.fail, a.level, 0, np.uint64(0), 1).tolist() == [0]
    assert compactkernels.open_paths(a.fail, a.level, 0, np.uint64(0), 0).tolist() == []


@settings(max_examples=150, deadline=None)
@given(PHRASES, st.lists(st.text("aabb-. ", max_size=14).map(str.encode), max_size=12))
def test_within_are_the_tokens_that_hold_a_phrase_behind_one_of_their_spaces(phrases: list[Phrase], tokens: list[bytes]) -> None:
    a, v = CompactAutomaton.build(phrases), Vocabulary.of(tokens)
    hits = compactkernels.within(a.first_child, a.label, a.word_end, v.text, v.start, a.shortest)
    texts = [v.text[low:high].tobytes().decode() for low, high in pairwise(v.start.tolist())]
    assert [hit > 0 for hit in hits] == [any(compact_occurrences(p, text) for p in phrases) for text in texts]


@settings(max_examples=150, deadline=None)
@given(PHRASES, strategies.vocabularies(), st.data())
def test_continuations_are_the_tokens_whose_letters_go_on_to_the_end_of_a_phrase(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    a, vocabulary = CompactAutomaton.build(phrases), Vocabulary.of(tokens)
    letters = Letters.of(vocabulary)
    node = data.draw(st.integers(0, len(a) - 1))
    at, penalties = compactkernels.continuations(
        a.first_child, a.label, a.word_end, node, letters.text, letters.start, letters.gap
    )
    found = dict(zip(letters.order[at].tolist(), penalties.tolist(), strict=True))
    expected = {}
    for token, folded in enumerate(vocabulary.folded):
        if re.search(rb"\. [^ .]", folded):
            continue  # a sentence ends: `CompactMasks.breaking`
        here, worst = node, 0.0
        for index, byte in enumerate(folded):
            if byte in b" .":
                continue
            here = int(trie.child(a.first_child, a.label, here, byte))
            if here < 0:
                break
            if index + 1 == len(folded) or folded[index + 1] in b" .":
                worst = max(worst, float(a.word_end[here]))
        if worst:
            expected[token] = worst
    assert found == expected
