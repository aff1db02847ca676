"""Puts the policy file into the store, so that its targets are enforced like those that came over REST."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers import ForgetTarget
from server.store import Database, StoredTarget, TargetDraft, Targets
from server.store.audit.log import Audit
from server.store.audit.record import AuditEvent

ACTOR = "policy-file"
LABEL = ("source", "policy-file")
"""The label of targets that came from the policy file."""


async def seed(database: Database, audit: Audit, targets: Sequence[ForgetTarget]) -> None:
    """Store `targets`, those of the policy file, in one transaction.

    New and changed targets become pending; targets that an earlier file had and this one lacks are deleted. The file wins over
    later changes over REST. Targets that were created over REST under other ids stay as they are. Raises StoreError.
    """
    repository = Targets()
    wanted = {target.id: target for target in targets}
    async with database.write() as session:
        known: dict[str, StoredTarget] = {}
        async for batch in repository.batches(session, ("pending", "active", "paused")):
            known |= {stored.id: stored for stored in batch}
        new = [target for i, target in wanted.items() if i not in known]
        changed = [target for i, target in wanted.items() if i in known and not _same(known[i], target)]
        gone = [i for i, stored in known.items() if _from_file(stored) and i not in wanted]
        await repository.create_many(session, [_draft(target) for target in new], actor=ACTOR)
        await repository.update_many(session, [_draft(target) for target in changed], actor=ACTOR)
        for target_id in gone:
            await repository.set_status(session, target_id, "deleted", actor=ACTOR)
        events = [("target.create", [t.id for t in new]), ("target.update", [t.id for t in changed]), ("target.delete", gone)]
        await audit.append_many(session, [AuditEvent(action, ACTOR, ids) for action, ids in events if ids])


def _draft(target: ForgetTarget) -> TargetDraft:
    return TargetDraft(target, labels=dict([LABEL]))


def _from_file(stored: StoredTarget) -> bool:
    return stored.labels.get(LABEL[0]) == LABEL[1]


def _same(stored: StoredTarget, target: ForgetTarget) -> bool:
    return _from_file(stored) and stored.document == target.model_dump(mode="json")
