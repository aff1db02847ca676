"""The repository of forget targets: it creates, changes, activates, deletes and purges them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import LargeBinary, bindparam, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from classifiers.target import check_ids
from server.store.columns import utc_now
from server.store.errors import TargetExists, TargetNotFound, VersionConflict
from server.store.records import Compiled, Purged, StoredTarget, TargetDraft
from server.store.targets.reader import TARGETS, VERSIONS, TargetReader, chunks
from server.store.targets.rows import DIGESTS, IDEMPOTENCY, has_raw, of_version, record, remove_raw, row_of, versions_of, write


class Targets(TargetReader):
    """The repository of targets. Methods that change something take a session of `Database.write`.

    A version is a state that somebody asked for. Creating, changing, pausing, resuming, deleting and purging make the next
    version, and the history has each with its actor, time and reason. Compiling and activating make no version: they carry one
    out. `at` is the time of the change, now if None.
    """

    async def create(
        self, session: AsyncSession, draft: TargetDraft, *, actor: str, reason: str | None = None, at: datetime | None = None
    ) -> StoredTarget:
        """Create one pending target; see `create_many`."""
        return (await self.create_many(session, [draft], actor=actor, reason=reason, at=at))[0]

    async def create_many(
        self,
        session: AsyncSession,
        drafts: Sequence[TargetDraft],
        *,
        actor: str,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> list[StoredTarget]:
        """Create pending targets, and return them.

        The id of a deleted target may be used again. The numbers of its versions continue, so that no number means two versions.

        Raises:
            TargetExists: an id is taken.
            ValueError: two drafts have the same id.
        """
        check_ids(draft.target for draft in drafts)
        moment = at or utc_now()
        old = await self.find(session, [draft.target.id for draft in drafts])
        if taken := [target_id for target_id, found in old.items() if found.status != "deleted"]:
            raise TargetExists(sorted(taken))
        made = [_made(draft, old.get(draft.target.id), moment) for draft in drafts]
        if fresh := [target for target in made if target.id not in old]:
            await session.execute(insert(TARGETS), [row_of(target) for target in fresh])
        await write(session, [target for target in made if target.id in old])
        await record(session, made, actor, moment, reason)
        return made

    async def update(
        self,
        session: AsyncSession,
        draft: TargetDraft,
        *,
        expected: int | None = None,
        actor: str,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> StoredTarget:
        """Change one target; see `update_many`. `expected` is the version that the caller has seen, None for any."""
        known = {} if expected is None else {draft.target.id: expected}
        return (await self.update_many(session, [draft], expected=known, actor=actor, reason=reason, at=at))[0]

    async def update_many(
        self,
        session: AsyncSession,
        drafts: Sequence[TargetDraft],
        *,
        expected: Mapping[str, int] | None = None,
        actor: str,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> list[StoredTarget]:
        """Give targets their next versions, and return them: pending, or paused if they were paused.

        The active snapshot enforces the old versions until `mark_active`.

        Args:
            session: one of `Database.write`.
            drafts: the next versions.
            expected: the versions that the caller has seen, by id.
            actor: who changes them.
            reason: why.
            at: when.

        Raises:
            TargetNotFound: there is no such target, or it was deleted.
            VersionConflict: a target is at another version than `expected`.
            ValueError: two drafts have the same id.
        """
        check_ids(draft.target for draft in drafts)
        moment = at or utc_now()
        old = await self._expected(session, [draft.target.id for draft in drafts], expected or {})
        changed = [_changed(old[draft.target.id], draft, moment) for draft in drafts]
        await write(session, changed)
        await record(session, changed, actor, moment, reason)
        return changed

    async def set_status(
        self,
        session: AsyncSession,
        target_id: str,
        status: Literal["pending", "paused", "deleted"],
        *,
        expected: int | None = None,
        actor: str,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> StoredTarget:
        """Pause, resume (`pending`) or delete a target, and return its next version, which is otherwise the same.

        The target is enforced as before until `mark_retired` or `mark_active`. Raises TargetNotFound, VersionConflict.
        """
        moment = at or utc_now()
        old = await self._expected(session, [target_id], {} if expected is None else {target_id: expected})
        changed = replace(old[target_id], version=old[target_id].version + 1, status=status, updated_at=moment)
        await write(session, [changed])
        await record(session, [changed], actor, moment, reason)
        return changed

    async def set_compiled(self, session: AsyncSession, compiled: Mapping[tuple[str, int], Compiled]) -> None:
        """Store what versions were compiled to, by target id and version.

        If a target does not retain its examples, this removes the examples and documents of the version; only `vectors` are left
        of the examples.

        Raises:
            ValueError: such a version has examples and comes without vectors.
        """
        rows = [
            {
                "of_id": target_id,
                "of_version": version,
                "new_vectors": made.vectors,
                **{f"new_{name}": getattr(made, name) for name in DIGESTS},
            }
            for (target_id, version), made in compiled.items()
        ]
        if not rows:
            return
        forgetting = await self._not_retained(session, [target_id for target_id, _ in compiled])
        raw = []
        for entry in await versions_of(session, forgetting):
            found = compiled.get((entry["of_id"], entry["of_version"]))
            if found is None or not has_raw(entry["document"]):
                continue
            if found.vectors is None and entry["document"]["examples"]:
                raise ValueError(f"target {entry['of_id']!r} does not retain its examples: it needs vectors")
            raw.append(entry)
        digests: dict[str, Any] = {name: bindparam(f"new_{name}") for name in DIGESTS}
        await session.execute(of_version(VERSIONS).values(digests), rows)
        # If the compiler makes no vectors, those of an earlier version stay.
        vectors = func.coalesce(bindparam("new_vectors", type_=LargeBinary()), TARGETS.c.vectors)
        await session.execute(of_version(TARGETS).values(digests | {"vectors": vectors}), rows)
        await remove_raw(session, raw)
        # An answer stored for an idempotency key may hold the examples, too.
        await session.execute(update(IDEMPOTENCY).where(IDEMPOTENCY.c.target_id.in_(forgetting)).values(response=None))

    async def mark_active(
        self, session: AsyncSession, versions: Mapping[str, int], snapshot: int, *, at: datetime | None = None
    ) -> None:
        """Note that a snapshot enforces these versions, by target id. Call this in the transaction that activates the snapshot.

        A target that is pending at its version becomes active; a target that was changed meanwhile stays pending. If a target
        does not retain its examples, this removes examples and documents of its earlier versions.
        """
        if not versions:
            return
        moment = at or utc_now()
        number = bindparam("of_version", type_=TARGETS.c.version.type)
        reached = (TARGETS.c.version == number) & (TARGETS.c.status == "pending")
        # No tombstone: nothing is left of it that a snapshot could enforce.
        statement = update(TARGETS).where(TARGETS.c.id == bindparam("of_id"), TARGETS.c.document.is_not(None))
        statement = statement.values(
            status=case((reached, "active"), else_=TARGETS.c.status),
            # The time since when the target is enforced without a break.
            activated_at=case(
                (TARGETS.c.active_version.is_(None), bindparam("at", type_=TARGETS.c.activated_at.type)),
                else_=TARGETS.c.activated_at,
            ),
            activated_snapshot=snapshot,
            active_version=number,
        )
        await session.execute(statement, [{"of_id": i, "of_version": v, "at": moment} for i, v in versions.items()])
        forgetting = await self._not_retained(session, versions)
        await remove_raw(session, [v for v in await versions_of(session, forgetting) if v["of_version"] < versions[v["of_id"]]])

    async def mark_retired(self, session: AsyncSession, target_ids: Collection[str]) -> None:
        """Note that these targets are not enforced any more. Call this in the transaction that activates the snapshot."""
        for part in chunks(list(target_ids)):
            await session.execute(update(TARGETS).where(TARGETS.c.id.in_(part)).values(active_version=None))

    async def purge(self, session: AsyncSession, target_id: str, *, actor: str, at: datetime | None = None) -> Purged:
        """Remove everything that was ever stored about a target, and delete the target if it is not deleted yet.

        The tombstone keeps its id, and when, by whom and how often it was changed. The purge removes documents, labels,
        requester, legal basis, reasons, vectors and digests, in the history as well, and the answers stored for idempotency
        keys. Call it once no snapshot enforces the target, and call `Database.scrub` after the commit.

        Raises:
            TargetNotFound: there never was a target with this id.
        """
        moment = at or utc_now()
        old = await self.get(session, target_id, deleted=True)
        versions = (await session.execute(select(VERSIONS).where(VERSIONS.c.target_id == target_id))).all()
        digests = frozenset(digest for v in versions for digest in (v.always_digest, v.gated_digest) if digest)
        nothing: dict[str, Any] = {"document": None, "always_digest": None, "gated_digest": None}
        tombstone = replace(
            old,
            **nothing,
            vectors=None,
            labels={},
            requester=None,
            legal_basis=None,
            expires_at=None,
            active_version=None,
            status="deleted",
            version=old.version if old.purged else old.version + 1,
            updated_at=old.updated_at if old.purged else moment,
        )
        await write(session, [tombstone])
        await session.execute(update(VERSIONS).where(VERSIONS.c.target_id == target_id).values(reason=None, **nothing))
        await session.execute(update(IDEMPOTENCY).where(IDEMPOTENCY.c.target_id == target_id).values(response=None))
        if not old.purged:
            await record(session, [tombstone], actor, moment, None)
        return Purged(tombstone, digests)

    async def _expected(
        self, session: AsyncSession, target_ids: Sequence[str], expected: Mapping[str, int]
    ) -> dict[str, StoredTarget]:
        old = await self.find(session, target_ids)
        for target_id in target_ids:
            if target_id not in old or old[target_id].status == "deleted":
                raise TargetNotFound(target_id)
            actual = old[target_id].version
            if expected.get(target_id, actual) != actual:
                raise VersionConflict(target_id, expected[target_id], actual)
        return old

    async def _not_retained(self, session: AsyncSession, target_ids: Iterable[str]) -> list[str]:
        found: list[str] = []
        for part in chunks(list(target_ids)):
            query = select(TARGETS.c.id).where(TARGETS.c.id.in_(part), TARGETS.c.retain_examples.is_(False))
            found += (await session.execute(query)).scalars()
        return found


def _made(draft: TargetDraft, old: StoredTarget | None, at: datetime) -> StoredTarget:
    return StoredTarget(
        id=draft.target.id,
        version=old.version + 1 if old else 1,
        status="pending",
        document=draft.target.model_dump(mode="json"),
        labels=dict(draft.labels),
        requester=draft.requester,
        legal_basis=draft.legal_basis,
        retain_examples=draft.retain_examples,
        expires_at=draft.expires_at,
        created_at=at,
        updated_at=at,
        activated_at=old.activated_at if old else None,
        activated_snapshot=old.activated_snapshot if old else None,
        # A deleted target is still enforced until a snapshot without it is active.
        active_version=old.active_version if old else None,
        always_digest=None,
        gated_digest=None,
        vectors=draft.vectors,
    )


def _changed(old: StoredTarget, draft: TargetDraft, at: datetime) -> StoredTarget:
    new = replace(_made(draft, old, at), created_at=old.created_at, status="paused" if old.status == "paused" else "pending")
    if new.document != old.document:
        return new
    # The same document is compiled to the same restrictions.
    return replace(new, always_digest=old.always_digest, gated_digest=old.gated_digest, vectors=draft.vectors or old.vectors)
