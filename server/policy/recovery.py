"""Recovery: what a process enforces when it starts, read from the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from classifiers import Encoder, ForgetTarget
from classifiers.meaning.encoder import Vectors
from server.policy.vectors import embedded
from server.store import Database, Targets


@dataclass(frozen=True, slots=True)
class Recovered:
    """All targets that are to be enforced, their versions by id, and what is stored of their examples' vectors, by id."""

    versions: Mapping[str, int]
    targets: Sequence[ForgetTarget]
    vectors: Mapping[str, Vectors]


async def recover(database: Database, encoder: Encoder) -> Recovered:
    """Read the store. Raises StoreUnavailable, and EmbeddingError (`server.policy.vectors.embedded`)."""
    versions: dict[str, int] = {}
    targets: list[ForgetTarget] = []
    vectors: dict[str, Vectors] = {}
    async with database.read() as session:
        async for batch in Targets().batches(session):
            versions |= {stored.id: stored.version for stored in batch}
            targets += [stored.target for stored in batch]
            vectors |= embedded(batch, encoder)
    return Recovered(versions, targets, vectors)
