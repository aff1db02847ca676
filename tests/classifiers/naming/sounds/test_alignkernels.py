"""The compiled loops that find names by sound, against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.arrays import bits_of
from classifiers.naming.sounds.alignkernels import enter
from classifiers.naming.sounds.graphemes import classes, graphemes


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1), max_size=60), st.integers(6, 9))
def test_the_filter_has_the_bit_of_every_key(keys: list[int], bits: int) -> None:
    known = np.array(keys, np.uint64)
    table = bits_of(known, bits)
    places = {key % 2**bits for key in keys}
    assert {at for at in range(2**bits) if table.tolist()[at // 64] >> (at % 64) & 1} == places


def test_names_of_few_consonants_are_not_entered() -> None:
    names = [graphemes(name) for name in ("Ada Li", "Carmen Montenegro")]
    start = np.zeros(3, np.int64)
    np.cumsum([len(name) for name in names], out=start[1:])
    keys, owner = enter(np.array([letter for name in names for letter in name], np.int8), start, classes())
    assert len(keys) == len(owner) > 0
    assert set(owner.tolist()) == {1}
