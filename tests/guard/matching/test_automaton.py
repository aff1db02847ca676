"""The automaton: its states, what they complete against the slow reference, and what it says of its own shape."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.folding import StreamFolder
from guard.matching.automaton import ROOT, Automaton, as_bytes
from guard.matching.patterns import KIND_OF, Patterns
from guard.phrase import Phrase
from tests.guard import strategies


def test_without_phrases_there_is_the_root_alone() -> None:
    automaton = Automaton.build([])
    assert (automaton.start, automaton.depth, automaton.shortest, len(automaton)) == (0, 0, 0, 1)


def test_depth_and_shortest_are_the_lengths_of_patterns() -> None:
    # A word's pattern begins with a space.
    automaton = Automaton.build([Phrase("tea"), Phrase("hatter", match="substring"), Phrase("cupboard")])
    assert (automaton.shortest, automaton.depth) == (len(" tea"), len(" cupboard"))


def test_each_pattern_ends_at_a_node_of_its_own_length() -> None:
    automaton, ends = Automaton.with_ends(Patterns.of([Phrase("tea"), Phrase("teapot")]))
    assert automaton.level[ends].tolist() == [len(" tea"), len(" teapot")]


def test_a_node_s_own_penalties_are_without_those_of_its_suffixes() -> None:
    soft = Phrase("the mad hatter", penalty=2.0)
    automaton = Automaton.build([soft, Phrase("hatter"), Phrase("the mad hatter in tea", beta=0.6, penalty=3.0)])
    node = automaton.node(" the mad hatter")
    assert automaton.word_end[node] == float("inf")
    assert automaton.own_penalties(node) == [0, 2.0, 0, 0, 3.0, 0]
    assert automaton.own_penalties(automaton.node(" hatter")) == [0, float("inf"), 0, 0, 0, 0]
    assert automaton.own_penalties(automaton.node(" the mad")) == [0] * 6


def test_a_path_that_leads_nowhere_is_not_found() -> None:
    automaton = Automaton.build([Phrase("tea")])
    assert automaton.find(b" te") == automaton.node(" te")
    assert automaton.find(b"tea") is None


@settings(deadline=None)
@given(strategies.phrases)
def test_what_nodes_have_of_their_own_makes_up_what_they_have(phrases: list[Phrase]) -> None:
    automaton = Automaton.build(phrases)
    kinds = [automaton.open_end, automaton.word_end, automaton.ending]
    for node in range(1, len(automaton)):
        own = [automaton.own_penalties(n) for n in automaton.chain(node)]
        for kind, penalties in enumerate(kinds):
            wanted = max(one[part] for one in own for part in range(6) if KIND_OF[part] == kind)
            assert (penalties[node] if len(penalties) else 0) == wanted


def test_the_chain_leads_from_a_node_over_its_suffixes_to_the_root() -> None:
    automaton = Automaton.build([Phrase("abab", match="substring"), Phrase("bab", match="substring")])
    node = automaton.walk(ROOT, as_bytes("abab"))
    assert [int(automaton.level[n]) for n in automaton.chain(node)] == [4, 3, 2, 1, 0]


def test_arrays_cannot_be_changed() -> None:
    automaton = Automaton.build([Phrase("tea")])
    for array in automaton.arrays().values():
        assert not array.flags.writeable


@settings(max_examples=200, deadline=None)
@given(strategies.phrases, st.lists(st.text(strategies.ALPHABET, max_size=8), min_size=2, max_size=2))
def test_text_completes_what_the_reference_says(phrases: list[Phrase], texts: list[str]) -> None:
    phrases = [Phrase(p.text, "gated", p.match, p.penalty, p.beta, force=True) for p in phrases]  # no compact forms
    automaton = Automaton.build(phrases)
    folder = StreamFolder()
    said, more = (np.frombuffer(folder.feed(text.encode()), np.uint8) for text in texts)
    completed = automaton.completes(automaton.walk(automaton.start, said), more)
    assert completed == reference.penalty(phrases, [texts[0].encode()], texts[1].encode())


@settings(max_examples=100, deadline=None)
@given(strategies.phrases, st.text(strategies.ALPHABET, max_size=20))
def test_the_order_of_the_phrases_does_not_matter(phrases: list[Phrase], text: str) -> None:
    automata = [Automaton.build(order) for order in itertools.islice(itertools.permutations(phrases), 6)]
    states = {a.walk(a.start, as_bytes(text)) for a in automata}
    assert len(states) == 1
    assert len({a.completes(a.start, as_bytes(text)) for a in automata}) == 1
