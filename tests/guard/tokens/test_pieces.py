"""Pieces against a list of the same strings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.tokens.pieces import Pieces, spans

# Few letters and long runs of them, so that many strings begin alike, beyond the eight bytes that are compared at once.
STRINGS = st.lists(st.one_of(st.binary(max_size=6), st.text("ab", max_size=20).map(str.encode)), max_size=20)


def test_no_strings() -> None:
    pieces = Pieces.of([])
    assert len(pieces) == 0
    assert list(pieces) == []
    assert pieces.order().tolist() == []
    assert list(pieces.take(pieces.order())) == []


@given(STRINGS)
def test_it_reads_like_a_list(strings: list[bytes]) -> None:
    pieces = Pieces.of(strings)
    assert list(pieces) == strings == pieces[:]
    assert [pieces[at] for at in range(-len(strings), len(strings))] == strings * 2
    assert pieces[1::2] == strings[1::2]
    assert pieces.lengths.tolist() == list(map(len, strings))
    for outside in (len(strings), -len(strings) - 1):
        with pytest.raises(IndexError):
            pieces[outside]


@given(STRINGS)
def test_its_order_is_that_of_sorted(strings: list[bytes]) -> None:
    strings = [string.replace(b"\0", b" ") for string in strings]
    expected = sorted(range(len(strings)), key=strings.__getitem__)
    order = Pieces.of(strings).order()
    assert order.tolist() == expected
    assert list(Pieces.of(strings).take(order)) == [strings[at] for at in expected]


@given(STRINGS)
def test_without_a_byte(strings: list[bytes]) -> None:
    assert list(Pieces.of(strings).without(ord("a"))) == [string.replace(b"a", b"") for string in strings]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5))))
def test_spans(given_spans: list[tuple[int, int]]) -> None:
    start, lengths = np.array(given_spans, np.int64).reshape(-1, 2).T
    assert spans(start, lengths).tolist() == [at for first, length in given_spans for at in range(first, first + length)]


def test_nobody_can_change_them() -> None:
    source = np.frombuffer(bytearray(b"abc"), np.uint8)
    pieces = Pieces(source, np.array([0, 1, 3]))
    source[0] = 0
    assert list(pieces) == [b"a", b"bc"]
    with pytest.raises(ValueError, match="read-only"):
        pieces.data[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        pieces.start[0] = 1
