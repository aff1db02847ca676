"""What the store asks a process to enforce."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncSession

from server.store import Snapshots, StoredTarget, Targets


@dataclass(frozen=True)
class Wanted:
    """What the store asks for at one moment.

    Attributes:
        versions: the version of each target that is to be enforced, by id.
        differing: those of them that this process does not enforce at that version.
        latest: the number of the latest snapshot, 0 if there is none.
        pending: versions that no snapshot has confirmed yet, by target id.
        retiring: targets that the last snapshot enforces and that are to be enforced no more.
        confirmed: targets that were read and whose version a snapshot has confirmed.
    """

    versions: Mapping[str, int]
    differing: Sequence[StoredTarget]
    latest: int
    pending: Mapping[str, int]
    retiring: Sequence[str]
    confirmed: Set[str]

    @classmethod
    async def read(
        cls, session: AsyncSession, enforced: Mapping[str, int], unconfirmed: Collection[str], everything: bool = False
    ) -> Wanted:
        """Read what the store asks of a process that enforces the versions `enforced`.

        Args:
            session: one of `Database.read`.
            enforced: the version of each target that the process enforces, by id.
            unconfirmed: targets that the process enforces at a version that it has not seen confirmed.
            everything: read all targets, not only `unconfirmed` and those that no snapshot has settled.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        targets = Targets()
        found = await targets.unsettled(session, unconfirmed, everything)
        versions = {} if everything else dict(enforced)
        for standing in found:
            if standing.wanted:
                versions[standing.id] = standing.version
            else:
                versions.pop(standing.id, None)
        wrong = [standing.id for standing in found if standing.wanted and enforced.get(standing.id) != standing.version]
        differing = list((await targets.find(session, wrong)).values())
        latest = await Snapshots().latest(session)
        return cls(
            versions,
            differing,
            latest.number if latest else 0,
            {one.id: one.version for one in found if one.wanted and one.active_version != one.version},
            [one.id for one in found if not one.wanted and one.active_version is not None],
            {one.id for one in found if one.active_version == one.version},
        )

    @property
    def settled(self) -> bool:
        """Whether a snapshot has confirmed everything."""
        return not self.pending and not self.retiring

    @cached_property
    def digest(self) -> str:
        """The name of this state, the same in every process: sha256 over ids and versions."""
        listed = "\n".join(f"{target_id} {version}" for target_id, version in sorted(self.versions.items()))
        return hashlib.sha256(listed.encode()).hexdigest()
