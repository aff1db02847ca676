"""Cursors: a place in one list, and in no other."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from classifiers.target import Example, ForgetTarget
from guard.phrase import Phrase
from server.store import (
    Database,
    InvalidCursor,
    StoredTarget,
    TargetDraft,
    Targets,
)
from server.store.targets.cursor import decode_cursor, encode_cursor

SECRET = "Quetzalcoatlus"

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)

targets = Targets()


def _draft(target_id: str, **fields: object) -> TargetDraft:
    target = ForgetTarget(
        id=target_id,
        name=f"{SECRET} Smith",
        examples=[Example(prompt=f"Who is {SECRET}? \0 \u202e", completion="A \U0001f996.")],
        documents=[f"{SECRET} lives."],
        phrases=[Phrase("red house", scope="gated")],
    )
    return replace(TargetDraft(target), **fields)  # type: ignore[arg-type]


async def _create(database: Database, *ids: str, **fields: object) -> list[StoredTarget]:
    async with database.write() as session:
        return await targets.create_many(session, [_draft(i, **fields) for i in ids], actor="tester", at=AT)


async def test_a_cursor_from_elsewhere_is_refused(database: Database) -> None:
    await _create(database, "a", "b", "c")
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
