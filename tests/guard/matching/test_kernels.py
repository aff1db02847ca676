"""The loops of the core, each against a slow form on Python's own bytes and lists."""

from __future__ import annotations

import bisect
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guard.matching import kernels
from guard.matching.automaton import Automaton
from guard.matching.patterns import Patterns
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies

PATTERNS = st.lists(st.text("ab ", min_size=1, max_size=6).map(str.encode), min_size=1, max_size=8, unique=True).map(sorted)


def joined(strings: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    start = np.cumsum([0, *map(len, strings)])
    return np.frombuffer(b"".join(strings), np.uint8), start


def paths(first_child: NDArray[np.int32], label: NDArray[np.uint8]) -> list[bytes]:
    """What leads to each node, from the root."""
    made = [b""] * len(label)
    for node in range(len(label)):
        for child in range(first_child[node], first_child[node + 1]):
            made[child] = made[node] + bytes([label[child]])
    return made


def test_a_trie_by_hand() -> None:
    #        root 0
    #    a 1        b 2
    #  a 3  b 4     a 5
    first_child, label, parent, ends = kernels.build_trie(*joined([b"aa", b"ab", b"ba"]))
    assert first_child.tolist() == [1, 3, 5, 6, 6, 6, 6]
    assert bytes(label) == b"\0ababa"
    assert parent.tolist() == [0, 0, 0, 1, 1, 2]
    assert ends.tolist() == [3, 4, 5]


@settings(deadline=None)
@given(PATTERNS)
def test_a_trie_has_one_node_for_each_beginning_of_a_pattern(patterns: list[bytes]) -> None:
    first_child, label, parent, ends = kernels.build_trie(*joined(patterns))
    made = paths(first_child, label)
    beginnings = {pattern[:length] for pattern in patterns for length in range(len(pattern) + 1)}
    # Breadth first, and siblings in ascending order.
    assert made == sorted(beginnings, key=lambda path: (len(path), path))
    assert [made[node] for node in ends] == patterns
    assert [made[node] for node in parent[1:]] == [path[:-1] for path in made[1:]]


@settings(deadline=None)
@given(PATTERNS)
def test_levels_are_lengths_of_paths(patterns: list[bytes]) -> None:
    first_child, label, _, _ = kernels.build_trie(*joined(patterns))
    assert kernels.levels(first_child).tolist() == [len(path) for path in paths(first_child, label)]


@settings(deadline=None)
@given(st.sets(st.integers(0, 255), min_size=1), st.integers(0, 255))
def test_a_child_is_found_among_few_siblings_and_among_many(edges: set[int], byte: int) -> None:
    first_child, label, _, _ = kernels.build_trie(*joined([bytes([edge]) for edge in sorted(edges)]))
    expected = 1 + sorted(edges).index(byte) if byte in edges else -1
    assert kernels.child(first_child, label, 0, byte) == expected


@settings(deadline=None)
@given(PATTERNS, st.lists(st.floats(0, 9, width=32), min_size=60, max_size=60))
def test_failure_links_lead_to_the_longest_suffix_and_penalties_come_with_them(
    patterns: list[bytes], penalties: list[float]
) -> None:
    first_child, label, parent, _ = kernels.build_trie(*joined(patterns))
    made = paths(first_child, label)
    own = np.array(penalties[: len(made)], np.float32)
    own[0] = 0
    inherited = own.copy()
    fail = kernels.link(first_child, label, parent, inherited, np.zeros(len(made), np.float32))
    for node, path in enumerate(made):
        suffixes = [path[at:] for at in range(1, len(path) + 1) if path[at:] in made]
        assert made[fail[node]] == (suffixes[0] if suffixes else b"")
        assert inherited[node] == max(own[made.index(suffix)] for suffix in [path, *suffixes])


@settings(deadline=None)
@given(st.text("ab", max_size=6).map(str.encode), st.integers(1, 3))
def test_grown_doubles_the_rows_and_keeps_the_first(content: bytes, width: int) -> None:
    for array in (np.frombuffer(content, np.uint8), np.arange(2 * width, dtype=np.int64).reshape(2, width)):
        more = kernels.grown(array)
        assert more.shape == (2 * len(array), *array.shape[1:])
        assert more.dtype == array.dtype
        np.testing.assert_array_equal(more[: len(array)], array)


def arrays(automaton: Automaton) -> tuple[Any, ...]:
    return automaton.first_child, automaton.label, automaton.fail


# Folded text has no runs of spaces.
FOLDED = st.text("ab ", max_size=20).map(lambda text: " ".join(text.split(" ")).replace("  ", " ").encode())


@settings(deadline=None)
@given(strategies.phrases, FOLDED, st.binary(max_size=3))
def test_walking_is_stepping_byte_by_byte(phrases: list[Phrase], text: bytes, more: bytes) -> None:
    automaton = Automaton.build(phrases)
    node = automaton.start
    for byte in text + more:
        node = kernels.step(*arrays(automaton), node, byte)
    assert kernels.walk(*arrays(automaton), automaton.start, np.frombuffer(text + more, np.uint8)) == node


def test_a_space_after_a_space_changes_nothing() -> None:
    automaton = Automaton.build([Phrase("tea")])
    node = kernels.step(*arrays(automaton), 0, kernels.SPACE)
    assert node != 0
    assert kernels.step(*arrays(automaton), node, kernels.SPACE) == node


def test_more_occurrences_than_there_was_room_for() -> None:
    automaton, ends = Automaton.with_ends(Patterns.of([Phrase("x", match="substring", force=True)]))
    pattern_at = np.full(len(automaton), -1, np.int32)
    pattern_at[ends] = 0
    found = kernels.find(
        *arrays(automaton), pattern_at, np.zeros(len(automaton), np.bool_), 0, np.frombuffer(b"x" * 100, np.uint8)
    )
    assert found.tolist() == [[0, end] for end in range(1, 101)]


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, strategies.vocabularies())
def test_root_hits_are_what_each_token_completes_by_itself(phrases: list[Phrase], tokens: list[bytes | None]) -> None:
    a, v = Automaton.build(phrases), Vocabulary.of(tokens)
    hits = kernels.root_hits(*arrays(a), a.open_end, a.word_end, v.text, v.start, a.shortest)
    texts = [v.text[low:high] for low, high in pairwise(v.start.tolist())]
    assert hits.tolist() == [a.completes(0, text) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=4).map(str.encode), max_size=12).map(sorted), st.integers(0, 3), st.sampled_from(b"ab"))
def test_the_lower_bound_is_that_of_bisect(strings: list[bytes], depth: int, byte: int) -> None:
    # Those with one beginning are a range, sorted by the byte behind it; where a string has ended, no byte counts as -1.
    same = [s for s in strings if s[:depth] == b"a" * depth]
    low = strings.index(same[0]) if same else 0
    keys = [s[depth] if depth < len(s) else -1 for s in same]
    found = kernels.lower_bound(*joined(strings), low, low + len(same), depth, byte)
    assert found == low + bisect.bisect_left(keys, byte)


@settings(max_examples=150, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_continuations_are_the_tokens_that_go_on_to_the_end_of_a_phrase(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    a, v = Automaton.build(phrases), Vocabulary.of(tokens)
    node = data.draw(st.integers(1, len(a) - 1))
    ranges, penalties = kernels.continuations(
        a.first_child, a.label, a.open_end, a.word_end, node, v.text, v.start, v.empty, len(v), 0
    )
    found: dict[int, float] = {}
    for (first, last), penalty in zip(ranges.tolist(), penalties.tolist(), strict=True):
        for at in range(first, last):
            found[at] = max(found.get(at, 0.0), penalty)
    expected: dict[int, float] = {}
    for at in range(v.empty, len(v)):
        text = v.text[v.start[at] : v.start[at + 1]].tolist()
        here, worst = node, 0.0
        for index, byte in enumerate(text):
            here = int(kernels.child(a.first_child, a.label, here, byte))
            if here < 0:
                break
            word_ends = index + 1 == len(text) or text[index + 1] == kernels.SPACE
            worst = max(worst, a.open_end[here], a.word_end[here] if word_ends else 0)
        if worst:
            expected[at] = worst
    assert found == expected
