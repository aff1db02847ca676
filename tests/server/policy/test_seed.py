"""The policy file in the store."""

from __future__ import annotations

import pytest

from classifiers import ForgetTarget
from server.policy.seed import ACTOR, LABEL, seed
from server.store import Database, StoredTarget, TargetDraft, TargetNotFound, Targets
from server.store.audit.log import Audit

TARGETS = Targets()
HATTER = ForgetTarget(id="hatter", name="Mad Hatter")
DODO = ForgetTarget(id="dodo", name="Dodo Bird")


@pytest.fixture
async def seeded(database: Database) -> Database:
    await seed(database, Audit(), [HATTER, DODO])
    return database


async def get(database: Database, target_id: str) -> StoredTarget:
    async with database.read() as session:
        return await TARGETS.get(session, target_id)


async def actions(database: Database) -> list[tuple[str, list[str]]]:
    async with database.read() as session:
        return [(record.action, record.target_ids) async for record in Audit().records(session)]


async def test_new_targets_are_pending_and_labelled(seeded: Database) -> None:
    stored = await get(seeded, "hatter")
    assert (stored.status, stored.target, stored.labels) == ("pending", HATTER, dict([LABEL]))


async def test_the_record_names_the_file(seeded: Database) -> None:
    async with seeded.read() as session:
        (record,) = [record async for record in Audit().records(session)]
    assert (record.actor, record.action, record.target_ids) == (ACTOR, "target.create", ["hatter", "dodo"])


async def test_the_same_file_again_changes_nothing(seeded: Database) -> None:
    await seed(seeded, Audit(), [HATTER, DODO])
    assert (await get(seeded, "hatter")).version == 1
    assert len(await actions(seeded)) == 1


async def test_a_changed_target_gets_its_next_version(seeded: Database) -> None:
    await seed(seeded, Audit(), [HATTER.model_copy(update={"name": "Glad Hatter"}), DODO])
    assert ((await get(seeded, "hatter")).version, (await get(seeded, "dodo")).version) == (2, 1)
    assert (await actions(seeded))[-1] == ("target.update", ["hatter"])


async def test_the_file_wins_over_a_change_made_since(seeded: Database) -> None:
    async with seeded.write() as session:
        await TARGETS.update(session, TargetDraft(DODO.model_copy(update={"name": "Other Bird"})), actor="admin")
    await seed(seeded, Audit(), [HATTER, DODO])
    assert (await get(seeded, "dodo")).target.name == "Dodo Bird"


async def test_a_target_that_left_the_file_is_deleted(seeded: Database) -> None:
    await seed(seeded, Audit(), [HATTER])
    with pytest.raises(TargetNotFound):
        await get(seeded, "dodo")
    assert (await actions(seeded))[-1] == ("target.delete", ["dodo"])


async def test_a_target_made_over_rest_is_left_alone(seeded: Database) -> None:
    async with seeded.write() as session:
        await TARGETS.create(session, TargetDraft(ForgetTarget(id="rest", name="Ugly Duchess")), actor="admin")
    await seed(seeded, Audit(), [])
    assert (await get(seeded, "rest")).version == 1
