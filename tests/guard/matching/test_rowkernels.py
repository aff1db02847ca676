"""The loops over sorted strings, against Python's own sorting and searching."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guard.matching import rowkernels

TEXTS = st.lists(st.text("ab .", max_size=5).map(str.encode), max_size=12).map(sorted)


def flat(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    start = np.append(0, np.cumsum([len(text) for text in texts])).astype(np.int64)
    return array(b"".join(texts)), start


def array(text: bytes) -> NDArray[np.uint8]:
    return np.array(list(text), np.uint8)


def listed(text: NDArray[np.uint8], start: NDArray[np.int64]) -> list[bytes]:
    return [text[a:b].tobytes() for a, b in pairwise(start.tolist())]


@settings(deadline=None)
@given(TEXTS, st.data())
def test_strings_are_taken_by_place(texts: list[bytes], data: st.DataObject) -> None:
    at = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=5)) if texts else []
    assert listed(*rowkernels.taken(*flat(texts), np.array(at, np.int64))) == [texts[k] for k in at]


@settings(deadline=None)
@given(TEXTS)
def test_a_string_differs_from_the_one_before_it(texts: list[bytes]) -> None:
    expected = [True, *(a != b for a, b in pairwise(texts))][: len(texts)]
    assert rowkernels.differ(*flat(texts)).tolist() == expected


PAIRS = st.lists(st.tuples(st.text("ab ", max_size=3).map(str.encode), st.integers(0, 3)), max_size=8).map(sorted)


@settings(deadline=None)
@given(PAIRS, PAIRS)
def test_two_sorted_lists_merge_to_a_sorted_one(mine: list[tuple[bytes, int]], theirs: list[tuple[bytes, int]]) -> None:
    def columns(pairs: list[tuple[bytes, int]]) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32]]:
        return *flat([text for text, _ in pairs]), np.array([tag for _, tag in pairs], np.int32)

    order = rowkernels.merged(*columns(mine), *columns(theirs)).tolist()
    assert [(mine + theirs)[k] for k in order] == sorted(mine + theirs)
    assert sorted(order) == list(range(len(mine) + len(theirs)))


@settings(deadline=None)
@given(TEXTS, st.text("ab .", max_size=5).map(str.encode))
def test_equal_strings_are_one_range(texts: list[bytes], wanted: bytes) -> None:
    first, last = rowkernels.equal(*flat(texts), array(wanted))
    assert [k for k, text in enumerate(texts) if text == wanted] == list(range(first, last))


@settings(deadline=None)
@given(TEXTS, st.text("ab .", max_size=12).map(str.encode))
def test_strings_are_found_in_a_text_with_spaces_and_dots_alike(texts: list[bytes], whole: bytes) -> None:
    found = set(rowkernels.inside(*flat(texts), array(whole)).tolist())
    same = re.sub(rb"\.", b" ", whole)
    assert found == {k for k, text in enumerate(texts) if text and re.sub(rb"\.", b" ", text) in same}
