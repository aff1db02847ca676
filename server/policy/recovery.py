"""Recovery: a process that starts reads from the store what it has to enforce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from classifiers import Encoder, ForgetTarget
from classifiers.meaning.encoder import Vectors
from server.policy.vectors import embedded
from server.store import Database, Targets


@dataclass(frozen=True, slots=True)
class Recovered:
    """All targets that are to be enforced, their versions by id, and the stored vectors of their examples by id."""

    versions: Mapping[str, int]
    targets: Sequence[ForgetTarget]
    vectors: Mapping[str, Vectors]


async def recover(database: Database, encoder: Encoder) -> Recovered:
    """Read the store.

    Raises:
        StoreUnavailable: the store does not answer.
        EmbeddingError: as `server.policy.vectors.embedded` does.
    """
    versions: dict[str, int] = {}
    targets: list[ForgetTarget] = []
    vectors: dict[str, Vectors] = {}
    async with database.read() as session:
        async for batch in Targets().batches(session):
            versions |= {stored.id: stored.version for stored in batch}
            targets += [stored.target for stored in batch]
            vectors |= embedded(batch, encoder)
    return Recovered(versions, targets, vectors)
