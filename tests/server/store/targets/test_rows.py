"""Rows of targets and of their history."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import Example, ForgetTarget
from server.store import Database, TargetDraft, Targets
from server.store.targets.reader import TARGETS
from server.store.targets.rows import has_raw, remove_raw, row_of, versions_of

repository = Targets()


@pytest.fixture
async def store(database: Database) -> Database:
    """Two versions of one target, both with an example and a document."""
    target = ForgetTarget(id="a", name="Mad Hatter", examples=[Example(prompt="Who?", completion="He.")], documents=["He is."])
    async with database.write() as session:
        await repository.create(session, TargetDraft(target), actor="test")
        await repository.update(session, TargetDraft(target, requester="R"), actor="test")
    return database


@pytest.mark.parametrize(
    ("document", "raw"),
    [
        (None, False),
        ({}, False),
        ({"examples": [], "documents": []}, False),
        ({"examples": [{"prompt": "x"}]}, True),
        ({"documents": ["x"]}, True),
    ],
)
def test_what_counts_as_raw(document: dict[str, Any] | None, raw: bool) -> None:
    assert has_raw(document) is raw


async def test_a_row_has_every_column(store: Database) -> None:
    async with store.read() as session:
        row = row_of(await repository.get(session, "a"))
    assert set(row) == {column.name for column in TARGETS.c}


async def test_all_versions_are_found(store: Database) -> None:
    async with store.read() as session:
        found = await versions_of(session, ["a", "nobody"])
    assert sorted((version["of_id"], version["of_version"]) for version in found) == [("a", 1), ("a", 2)]


@pytest.mark.slow
@pytest.mark.parametrize(("removed", "left"), [(1, [2]), (2, [1])])
async def test_raw_texts_go_from_one_version_alone(store: Database, removed: int, left: list[int]) -> None:
    async with store.write() as session:
        versions = await versions_of(session, ["a"])
        await remove_raw(session, [version for version in versions if version["of_version"] == removed])
    async with store.read() as session:
        history = await repository.history(session, "a")
        latest = await repository.get(session, "a")
    assert [version.version for version in history if has_raw(version.document)] == left
    assert has_raw(latest.document) is (2 in left)
