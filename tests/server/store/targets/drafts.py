"""Targets that the tests of the store create. Their texts must never show up in an error or a log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from classifiers.target import Example, ForgetTarget
from guard.phrase import Phrase
from server.store import Database, StoredTarget, TargetDraft, Targets

SECRET = "Quetzalcoatlus"
AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
targets = Targets()


def draft(target_id: str, **fields: object) -> TargetDraft:
    target = ForgetTarget(
        id=target_id,
        name=f"{SECRET} Smith",
        examples=[Example(prompt=f"Who is {SECRET}? \0 \u202e", completion="A \U0001f996.")],
        documents=[f"{SECRET} lives."],
        phrases=[Phrase("red house", scope="gated")],
    )
    return replace(TargetDraft(target), **fields)  # type: ignore[arg-type]


async def create(database: Database, *ids: str, **fields: object) -> list[StoredTarget]:
    async with database.write() as session:
        return await targets.create_many(session, [draft(i, **fields) for i in ids], actor="tester", at=AT)
