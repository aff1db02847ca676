"""What a process enforces when it starts."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers import Example, ForgetTarget
from classifiers.meaning.nearest import example_vectors
from server.policy.recovery import recover
from server.policy.vectors import EmbeddingError, embed
from server.store import Compiled, Database, TargetDraft, Targets
from tests.server.fakes import WordEncoder

TARGETS = Targets()
HATTER = ForgetTarget(id="hatter", name="Mad Hatter", examples=[Example(prompt="Who pours the tea?", completion="He.")])
DODO = ForgetTarget(id="dodo", name="Dodo Bird")


class OtherEncoder(WordEncoder):
    fingerprint = "other"


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.write() as session:
        await TARGETS.create_many(session, [TargetDraft(HATTER, retain_examples=False), TargetDraft(DODO)], actor="test")
    return database


async def compiled(store: Database) -> np.ndarray:
    """Store the vectors of the one target with examples, whose text goes with that, and return them."""
    encoder = WordEncoder()
    vectors = example_vectors([HATTER], encoder)["hatter"]
    async with store.write() as session:
        packed = embed(HATTER, vectors, encoder, retained=False)
        await TARGETS.set_compiled(session, {("hatter", 1): Compiled(vectors=packed)})
    return vectors


async def test_every_wanted_target_is_recovered_with_its_version(store: Database) -> None:
    found = await recover(store, WordEncoder())
    assert found.versions == {"dodo": 1, "hatter": 1}
    assert {target.id: target for target in found.targets} == {"dodo": DODO, "hatter": HATTER}


async def test_what_is_paused_or_deleted_is_not(store: Database) -> None:
    async with store.write() as session:
        await TARGETS.set_status(session, "hatter", "paused", actor="test")
        await TARGETS.set_status(session, "dodo", "deleted", actor="test")
    assert (await recover(store, WordEncoder())).versions == {}


async def test_stored_vectors_come_back(store: Database) -> None:
    vectors = await compiled(store)
    found = (await recover(store, WordEncoder())).vectors
    assert found.keys() == {"hatter"}
    assert np.array_equal(found["hatter"], vectors)


async def test_vectors_of_another_encoder_cannot_stand_for_removed_examples(store: Database) -> None:
    await compiled(store)
    with pytest.raises(EmbeddingError):
        await recover(store, OtherEncoder())
