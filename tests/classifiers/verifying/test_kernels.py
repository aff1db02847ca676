"""The verifier's loops."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.verifying import kernels
from guard.forms.endings import ALL_ENDINGS
from guard.matching.automaton import Automaton, as_bytes
from guard.phrase import Phrase
from tests.guard import strategies


@settings(deadline=None)
@given(strategies.phrases, st.text("ab . és", max_size=24))
def test_a_banned_phrase_ends_where_the_automaton_completes_one(phrases: list[Phrase], text: str) -> None:
    a = Automaton.build(phrases)
    data = as_bytes(text)
    ends = {int(end) for _, _, end in kernels.banned(*a.paths, *a.ends, a.start, data)}
    assert ends == {end for end in range(1, len(data) + 1) if data[end - 1] not in b" ." and _ends(a, data, end)}


def _ends(a: Automaton, data: np.ndarray, end: int) -> bool:
    state = a.walk(a.start, data[:end])
    if np.isinf(a.open_end[state]) or (np.isinf(a.word_end[state]) and (end == len(data) or data[end] in b" .")):
        return True
    rest = re.split(rb"[ .]", data[end:].tobytes())
    endings = [ending.encode() for ending in ALL_ENDINGS]
    carried = rest[0] in endings or (len(rest) == 1 and any(ending.startswith(rest[0]) for ending in endings))
    return bool(len(a.ending) and rest[0] and carried and np.isinf(a.ending[state]))


@given(st.integers(0, 2**64 - 1))
def test_the_ones_of_a_number(bits: int) -> None:
    assert kernels._ones(np.uint64(bits)) == bits.bit_count()


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(1, 3), max_size=8))
def test_shared_letters_are_those_of_two_bags_and_the_room_is_left_as_it_was(text: list[int], fact: list[int]) -> None:
    room = np.array([0, *(fact.count(symbol) for symbol in (1, 2, 3))], np.int32)
    before = room.copy()
    shared = kernels._shared(room, np.array(text, np.int32), 0, len(text))
    assert shared == sum(min(text.count(symbol), fact.count(symbol)) for symbol in (1, 2, 3))
    assert (room == before).all()
