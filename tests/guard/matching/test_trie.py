"""The loops that build a trie and link it, each against a slow form on Python's own strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching import trie
from guard.matching.automaton import Automaton
from guard.matching.patterns import Patterns
from guard.phrase import Phrase
from tests.guard import strategies
from tests.guard.matching import states

PATTERNS = st.lists(st.text("ab ", min_size=1, max_size=6).map(str.encode), min_size=1, max_size=8, unique=True).map(sorted)


def test_a_trie_by_hand() -> None:
    #        root 0
    #    a 1        b 2
    #  a 3  b 4     a 5
    first_child, label, parent, ends = trie.build_trie(*states.joined([b"aa", b"ab", b"ba"]))
    assert first_child.tolist() == [1, 3, 5, 6, 6, 6, 6]
    assert bytes(label) == b"\0ababa"
    assert parent.tolist() == [0, 0, 0, 1, 1, 2]
    assert ends.tolist() == [3, 4, 5]


@settings(deadline=None)
@given(PATTERNS)
def test_a_trie_has_one_node_for_each_beginning_of_a_pattern(patterns: list[bytes]) -> None:
    first_child, label, parent, ends = trie.build_trie(*states.joined(patterns))
    made = states.paths(first_child, label)
    beginnings = {pattern[:length] for pattern in patterns for length in range(len(pattern) + 1)}
    # Breadth first, and siblings in ascending order.
    assert made == sorted(beginnings, key=lambda path: (len(path), path))
    assert [made[node] for node in ends] == patterns
    assert [made[node] for node in parent[1:]] == [path[:-1] for path in made[1:]]


@settings(deadline=None)
@given(PATTERNS)
def test_levels_are_lengths_of_paths(patterns: list[bytes]) -> None:
    first_child, label, _, _ = trie.build_trie(*states.joined(patterns))
    assert trie.levels(first_child).tolist() == [len(path) for path in states.paths(first_child, label)]


@settings(deadline=None)
@given(st.sets(st.integers(0, 255), min_size=1), st.integers(0, 255))
def test_a_child_is_found_among_few_siblings_and_among_many(edges: set[int], byte: int) -> None:
    first_child, label, _, _ = trie.build_trie(*states.joined([bytes([edge]) for edge in sorted(edges)]))
    expected = 1 + sorted(edges).index(byte) if byte in edges else -1
    assert trie.child(first_child, label, 0, byte) == expected


@pytest.mark.parametrize(
    ("path", "letters"),
    [("", 0), ("ab", 2), ("ababab", 4), (" ", 0), (" a", 1), (" abab", 4), (" ababa", 4), (" ab b", 1), ("ab b", 1), (" é哈", 2)],
)
def test_the_letters_of_a_path_s_last_word(path: str, letters: int) -> None:
    first_child, label, _, ends = trie.build_trie(
        *states.joined([b" zzzz", path.encode()] if path > " zzzz" else [path.encode()])
    )
    assert trie.last_words(first_child, label)[ends[-1]] == letters


def test_a_pattern_goes_on_behind_a_sentence_end_if_it_has_one_or_its_word_is_short() -> None:
    a = Automaton.build([Phrase("frank cotter"), Phrase("mad. hatter"), Phrase("tea time. now")])
    by_path = {path: node for node, path in enumerate(states.paths_of(a))}
    beyond = {
        path: int(trie.sentence_end(*a.paths, by_path[path])) for path in (" frank", " mad", " tea", " tea time", " tea tim")
    }
    assert beyond == {
        " frank": by_path[" "],
        " mad": by_path[" mad "],
        " tea": by_path[" tea "],
        " tea time": by_path[" tea time."],
        " tea tim": by_path[" "],
    }


@settings(deadline=None)
@given(states.sentences, st.integers(0, 2**32))
def test_failure_links_lead_to_the_longest_suffix_and_penalties_come_with_them(phrases: list[Phrase], seed: int) -> None:
    patterns = Patterns.of(phrases)
    first_child, label, parent, _ = trie.build_trie(patterns.text, patterns.start)
    made = [path.decode() for path in states.paths(first_child, label)]
    own = np.random.default_rng(seed).integers(0, 9, (2, len(made))).astype(np.float32)
    own[:, 0] = 0
    inherited = own.copy()
    fail = trie.link(first_child, label, parent, trie.last_words(first_child, label), inherited)
    for node, path in enumerate(made):
        # A dot in a pattern is a dot and a space in the text.
        suffixes = [at for at, other in enumerate(made) if states.ends_with(path.replace(".", ". "), other)]
        shorter = [at for at in suffixes if len(made[at]) < len(path)]
        assert fail[node] == (max(shorter, key=lambda at: len(made[at])) if path else 0)
        assert inherited[:, node].tolist() == own[:, suffixes].max(axis=1).tolist()


@settings(deadline=None)
@given(st.text("ab", max_size=6).map(str.encode), st.integers(1, 3))
def test_grown_doubles_the_rows_and_keeps_the_first(content: bytes, width: int) -> None:
    for array in (np.frombuffer(content, np.uint8), np.arange(2 * width, dtype=np.int64).reshape(2, width)):
        more = trie.grown(array)
        assert more.shape == (2 * len(array), *array.shape[1:])
        assert more.dtype == array.dtype
        np.testing.assert_array_equal(more[: len(array)], array)


@settings(deadline=None)
@given(strategies.phrases)
def test_levels_begin_where_paths_get_longer_and_words_are_counted(phrases: list[Phrase]) -> None:
    automaton = Automaton.build(phrases)
    paths = states.paths(automaton.first_child, automaton.label)
    lengths = [len(path) for path in paths]
    assert trie.level_starts(automaton.first_child).tolist() == [lengths.index(length) for length in range(max(lengths) + 1)]
    assert trie.word_counts(automaton.first_child, automaton.label).tolist() == [path.count(b" ") for path in paths]


@settings(deadline=None)
@given(strategies.phrases)
def test_the_parent_of_a_node_is_the_one_whose_child_it_is(phrases: list[Phrase]) -> None:
    automaton = Automaton.build(phrases)
    for node in range(len(automaton)):
        for child in range(automaton.first_child[node], automaton.first_child[node + 1]):
            assert trie.parent_of(automaton.first_child, child) == node
