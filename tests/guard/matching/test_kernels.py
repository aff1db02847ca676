"""The loops of the core, each against a slow form on Python's own bytes and lists."""

from __future__ import annotations

import bisect
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.folding import StreamFolder
from guard.form import Form
from guard.forms.endings import ALL_ENDINGS
from guard.matching import kernels, trie
from guard.matching.automaton import ROOT, Automaton, as_bytes
from guard.matching.patterns import Patterns
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.matching import states


@settings(deadline=None)
@given(strategies.phrases, st.text("ab .", max_size=20).map(str.encode), st.binary(max_size=3))
def test_walking_is_stepping_byte_by_byte(phrases: list[Phrase], text: bytes, more: bytes) -> None:
    a = Automaton.build(phrases)
    state = a.start
    for byte in text + more:
        state = int(kernels.step(*a.paths, state, byte))
    assert kernels.walk(*a.paths, a.start, np.frombuffer(text + more, np.uint8)) == state


@settings(max_examples=200, deadline=None)
@given(states.sentences, states.folded)
def test_a_state_is_the_longest_path_with_which_the_text_ends(phrases: list[Phrase], text: str) -> None:
    a = Automaton.build(phrases)
    state = a.walk(ROOT, as_bytes(text))
    if not text.endswith("."):
        held = [node for node, path in enumerate(states.paths_of(a)) if states.ends_with(text, path)]
        assert a.chain(state) == sorted(held, key=lambda node: -int(a.level[node]))
    # Behind a dot, the next byte tells whether a sentence ended.
    for byte in "ab" if text.endswith(" ") else "ab ":
        assert a.walk(state, as_bytes(byte)) == states.longest(a, text + byte)


@pytest.mark.parametrize("first", " .")
def test_a_space_or_dot_after_a_space_changes_nothing(first: str) -> None:
    a = Automaton.build([Phrase("tea")])
    state = a.walk(ROOT, as_bytes(first))
    assert state != ROOT
    for more in (" ", ".", ". . "):
        assert a.walk(state, as_bytes(more)) == state


def test_a_dot_after_a_dot_changes_nothing() -> None:
    a = Automaton.build([Phrase("frank cotter")])
    state = a.walk(a.start, as_bytes("frank."))
    assert state >= len(a)
    assert a.walk(state, as_bytes("...")) == state
    # No sentence ends with three dots and no space.
    assert a.completes(state, as_bytes("..cotter")) > 0
    assert a.completes(state, as_bytes(".. cotter")) == 0


@pytest.mark.parametrize(
    ("phrase", "text", "completed"),
    [
        ("Frank Cotter", "To be frank. Cotter pins are cheap.", False),
        ("Frank Cotter", "To be frank! Cotter pins are cheap.", False),
        ("Frank Cotter", "To be frank\u2026 \u201cCotter pins\u201d", False),
        ("Frank Cotter", "To be frank.\nCotter", False),
        ("Frank Cotter", "Frank.Cotter", True),
        ("Frank Cotter", "frank, cotter", True),
        ("Frank Cotter", "Frank -. Cotter", True),  # the run begins with something else
        ("Harry Potter", "Harry.Potter", True),
        ("J K Rowling", "J. K. Rowling", True),
        ("J. K. Rowling", "J K Rowling", True),
        ("J.K. Rowling", "J. K.Rowling", True),
        ("Dr Grey", "Dr. Grey", True),
        ("Dr. Grey", "Dr Grey", True),
        ("Prof. Grey", "Prof. Grey", True),  # a sentence end of the phrase's own
        ("Prof. Grey", "Prof Grey", False),
        ("Stop! Hammer time", "Stop. Hammer time", True),
        ("Stop! Hammer time", "Stop hammer time", False),
        ("Stop! Hammer time", "Stop! Hammer? Time", False),
    ],
)
@pytest.mark.parametrize("match", ["word", "prefix"])
def test_where_a_sentence_ends_a_phrase_does_not_go_on(phrase: str, text: str, completed: bool, match: str) -> None:
    a = Automaton.build([Phrase(phrase, "gated", match)])  # type: ignore[arg-type]
    assert (a.completes(a.start, as_bytes(StreamFolder(" ").feed_text(text))) > 0) == completed


@pytest.mark.parametrize("text", ["zabab. xy", "abab. xy", "abab xy", "abab.xy"])
def test_a_substring_goes_on_behind_its_first_word_which_may_be_a_part_of_one(text: str) -> None:
    # The second phrase must not stand in the way of the first: its sentence end is where the first has a space.
    for others in ([], [Phrase("abab. xx", "gated", "substring"), Phrase("bab. xz", "gated", "substring")]):
        a = Automaton.build([Phrase("abab xy", "gated", "substring"), *others])
        assert a.completes(a.start, as_bytes(text)) > 0


@pytest.mark.parametrize("ending", ["", "s", "in", "issa", "sta"])
def test_an_ending_may_follow_and_then_a_word_must_end(ending: str) -> None:
    a = Automaton.build([Form("Harry Potter", "gated", kind="inflection", ending=True)])
    assert a.completes(a.start, as_bytes(f"harry potter{ending} x")) > 0
    assert a.completes(a.start, as_bytes(f"harry potter{ending}.x")) > 0
    assert a.completes(a.start, as_bytes(f"harry potter{ending}xq x")) == 0
    plain = Automaton.build([Phrase("Harry Potter", "gated")])
    assert (plain.completes(plain.start, as_bytes(f"harry potter{ending} x")) > 0) == (ending == "")


@settings(deadline=None)
@given(st.sampled_from(sorted(ALL_ENDINGS)), st.text("sein ", max_size=4))
def test_what_carries_an_ending(ending: str, more: str) -> None:
    a = Automaton.build([Form("Potter", "gated", kind="word", ending=True)])
    text = ending + more
    rest, gap, _ = text.partition(" ")
    expected = rest in ALL_ENDINGS or (not gap and any(one.startswith(rest) for one in ALL_ENDINGS))
    assert kernels.carries_ending(a.e_child, a.e_label, a.e_stop, as_bytes(text), 0) == expected


def test_more_occurrences_than_there_was_room_for() -> None:
    automaton, ends = Automaton.with_ends(Patterns.of([Phrase("x", match="substring", force=True)]))
    pattern_at = np.full(len(automaton), -1, np.int32)
    pattern_at[ends] = 0
    found = kernels.find(*automaton.paths, pattern_at, np.zeros(len(automaton), np.bool_), 0, np.frombuffer(b"x" * 100, np.uint8))
    assert found.tolist() == [[0, end] for end in range(1, 101)]


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_hits_are_what_each_token_completes_by_itself(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    a, v = Automaton.build(phrases), Vocabulary.of(tokens)
    state = data.draw(st.integers(0, 2 * len(a) - 1))
    texts = [v.text[low:high] for low, high in pairwise(v.start.tolist())]
    expected = [a.completes(state, text) for text in texts]
    assert kernels.hits(*a.paths, *a.ends, state, v.text, v.start, 0).tolist() == expected
    # From the root no token completes a phrase that is shorter than the shortest one.
    skipped = kernels.hits(*a.paths, *a.ends, ROOT, v.text, v.start, a.shortest)
    assert skipped.tolist() == [a.completes(ROOT, text) for text in texts]


def left(a: Automaton, remaining: dict[int, list[float]], state: int, v: Vocabulary) -> list[float]:
    nodes = np.array(list(remaining), np.int32)
    penalties = np.array(list(remaining.values()), np.float32).reshape(-1, 3)
    found = kernels.all_left(a.paths, a.ends, a.own, a.lower_at, a.lower, nodes, penalties, state, v.text, v.start)
    return found.tolist()  # type: ignore[no-any-return]


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_without_nodes_that_end_less_everything_is_left(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    a, v = Automaton.build(phrases), Vocabulary.of(tokens)
    state = data.draw(st.integers(0, 2 * len(a) - 1))
    assert left(a, {}, state, v) == kernels.hits(*a.paths, *a.ends, state, v.text, v.start, 0).tolist()
    # If no node ends anything, nothing is left.
    assert not any(left(a, {node: [0.0, 0.0, 0.0] for node in range(len(a))}, state, v))


def test_what_is_left_at_a_node_is_by_its_kind_and_beside_its_suffixes() -> None:
    a = Automaton.build([Phrase("the tea", "gated"), Phrase("tea", "gated", penalty=2.0)])
    v = Vocabulary.of([b"tea", b"teas", b"tea x"])
    state, node = a.walk(a.start, as_bytes("the ")), a.node(" the tea")
    assert left(a, {}, state, v) == [np.inf, np.inf, 0]  # in ascending order, in which "tea x" comes before "teas"
    assert left(a, {node: [0, 0, 0]}, state, v) == [2, 2, 0]
    assert left(a, {node: [0, 5, 0]}, state, v) == [5, 5, 0]
    assert left(a, {node: [3, 0, 0]}, state, v) == [3, 3, 3]


@settings(deadline=None)
@given(st.lists(st.text("ab", max_size=4).map(str.encode), max_size=12).map(sorted), st.integers(0, 3), st.sampled_from(b"ab"))
def test_the_lower_bound_is_that_of_bisect(strings: list[bytes], depth: int, byte: int) -> None:
    # Those with one beginning are a range, sorted by the byte behind it; where a string has ended, no byte counts as -1.
    same = [s for s in strings if s[:depth] == b"a" * depth]
    low = strings.index(same[0]) if same else 0
    keys = [s[depth] if depth < len(s) else -1 for s in same]
    found = kernels.lower_bound(*states.joined(strings), low, low + len(same), depth, byte)
    assert found == low + bisect.bisect_left(keys, byte)


@settings(max_examples=150, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_continuations_are_the_tokens_that_go_on_to_the_end_of_a_phrase(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    a, v = Automaton.build(phrases), Vocabulary.of(tokens)
    node = data.draw(st.integers(1, len(a) - 1))
    ranges, penalties = kernels.continuations(a.first_child, a.label, *a.ends, node, v.text, v.start, v.empty, len(v), 0)
    found: dict[int, float] = {}
    for (first, last), penalty in zip(ranges.tolist(), penalties.tolist(), strict=True):
        for at in range(first, last):
            found[at] = max(found.get(at, 0.0), penalty)
    expected: dict[int, float] = {}
    for at in range(v.empty, len(v)):
        text = v.text[v.start[at] : v.start[at + 1]].tobytes()
        here, worst = node, 0.0
        # Behind a sentence end nothing is looked at: see `Vocabulary.breaking`.
        for index, byte in enumerate(text.partition(b". ")[0]):
            here = int(trie.child(a.first_child, a.label, here, trie.SPACE if byte == trie.DOT else byte))
            if here < 0:
                break
            if byte in b" .":
                continue
            rest, gap, _ = text[index + 1 :].replace(b".", b" ").partition(b" ")
            worst = max(worst, a.open_end[here], 0 if rest else a.word_end[here])
            if len(a.ending) and carries(rest.decode(errors="replace"), bool(gap)):
                worst = max(worst, a.ending[here])
        if worst:
            expected[at] = worst
    assert found == expected


def carries(rest: str, ended: bool) -> bool:
    """Return whether the letters behind a phrase's are an ending, or may become one because the token ends there."""
    return rest in ALL_ENDINGS or (not ended and any(ending.startswith(rest) for ending in ALL_ENDINGS))
