"""Cursors: a place in one list, and in no other."""

from __future__ import annotations

import re

import pytest

from server.store import (
    Database,
    InvalidCursor,
)
from server.store.targets.cursor import decode_cursor, encode_cursor
from tests.server.store.targets.drafts import AT, create, targets


async def test_a_cursor_from_elsewhere_is_refused(database: Database) -> None:
    await create(database, "a", "b", "c")
    async with database.read() as session:
        cursor = (await targets.page(session, limit=1)).cursor
        assert cursor is not None
        forged = ["", "x", "é", "=" * 10, cursor[:-2], cursor + "A", "A" + cursor[1:], cursor.swapcase(), "A" * 5000]
        for wrong in forged:
            with pytest.raises(InvalidCursor):
                await targets.page(session, cursor=wrong)
        with pytest.raises(InvalidCursor):
            await targets.page(session, cursor=cursor, status="pending")


@pytest.mark.parametrize("target_id", ["a", "0._-", "x" * 64])
def test_a_cursor_comes_back_as_it_was(target_id: str) -> None:
    assert decode_cursor(encode_cursor(AT, target_id, "filters"), "filters") == (AT, target_id)


def test_a_cursor_is_one_word_that_a_url_can_hold() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", encode_cursor(AT, "a", "filters"))


def test_a_time_without_a_zone_is_no_place() -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(encode_cursor(AT.replace(tzinfo=None), "a", ""), "")
