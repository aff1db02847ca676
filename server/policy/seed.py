"""The policy file in the store: what the operator wrote down is enforced from the start, like what came over REST."""

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
    """Make the store's targets from the file be `targets`: pending where they are new or changed, deleted where they are gone.

    The file wins over what was changed over REST since; targets that were made over REST under other ids are left alone. All
    or nothing. Raises StoreError.
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
