"""Tables of patterns, against lists of tuples."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.matching.rows import Row, Rows

OWNERS = 4
LISTS = st.lists(
    st.builds(
        Row,
        st.text("ab ", max_size=3).map(str.encode),
        st.integers(0, 5),
        st.sampled_from([2.0, float("inf")]),
        st.integers(0, OWNERS - 1),
    ),
    max_size=10,
)


def read(rows: Rows) -> list[Row]:
    texts = [rows.text[a:b].tobytes() for a, b in pairwise(rows.start.tolist())]
    return list(map(Row, texts, rows.tag.tolist(), rows.penalty.tolist(), rows.owner.tolist()))


def is_sorted(rows: Rows) -> bool:
    found = [(row.text, row.tag) for row in read(rows)]
    return found == sorted(found)


@settings(deadline=None)
@given(LISTS)
def test_rows_are_sorted_by_text_and_tag(listed: list[Row]) -> None:
    rows = Rows.of(listed)
    assert sorted(read(rows)) == sorted(listed)
    assert is_sorted(rows)
    assert len(rows) == len(listed)


@settings(deadline=None)
@given(LISTS, st.lists(st.booleans(), min_size=OWNERS, max_size=OWNERS))
def test_owners_are_taken_out_and_the_others_numbered_anew(listed: list[Row], kept: list[bool]) -> None:
    number = {owner: sum(kept[:owner]) for owner in range(OWNERS)}
    rows = Rows.of(listed).of_owners(np.array(kept))
    assert sorted(read(rows)) == sorted(row._replace(owner=number[row.owner]) for row in listed if kept[row.owner])
    assert is_sorted(rows)


@settings(deadline=None)
@given(LISTS, LISTS)
def test_two_tables_become_one(mine: list[Row], theirs: list[Row]) -> None:
    rows = Rows.of(mine).and_rows(Rows.of(theirs), OWNERS)
    assert sorted(read(rows)) == sorted([*mine, *(row._replace(owner=row.owner + OWNERS) for row in theirs)])
    assert is_sorted(rows)


@settings(deadline=None)
@given(LISTS, LISTS)
def test_rows_are_left_out_by_text_and_tag(listed: list[Row], gone: list[Row]) -> None:
    pairs = [(row.text, row.tag) for row in gone]
    assert sorted(read(Rows.of(listed).without(pairs))) == sorted(row for row in listed if (row.text, row.tag) not in pairs)


@settings(deadline=None)
@given(LISTS, st.text("ab ", max_size=3).map(str.encode))
def test_owners_are_found_by_text(listed: list[Row], text: bytes) -> None:
    rows = Rows.of(listed)
    assert sorted(rows.owners_of(text)) == sorted(row.owner for row in listed if row.text == text)
    assert set(rows.owners_inside(text)) == {row.owner for row in listed if row.text and row.text in text}


@settings(deadline=None)
@given(LISTS)
def test_each_text_is_once_among_the_distinct_ones(listed: list[Row]) -> None:
    rows = Rows.of(listed)
    first, text, start = rows.distinct()
    distinct = [text[a:b].tobytes() for a, b in pairwise(start.tolist())]
    assert distinct == sorted({row.text for row in listed})
    assert [read(rows)[k].text for k in first.tolist()] == distinct
