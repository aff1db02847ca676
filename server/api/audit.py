"""The route that reads the audit log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from server.api.base import ERRORS, ApiModel
from server.api.context import Auditor, Context
from server.api.failures import ApiRoute
from server.api.models import Moment, Storable
from server.store.audit.record import AuditFilter, AuditRecord
from server.store.targets.reader import MAX_PAGE

router = APIRouter(prefix="/v1", route_class=ApiRoute, responses={**ERRORS})
_LARGEST = 2**63 - 1


class AuditEntry(ApiModel):
    """A record of the audit log."""

    seq: int
    at: str
    actor: str
    action: str
    target_ids: list[str]
    snapshot: int | None
    details: dict[str, Any]
    previous: str
    hash: str

    @classmethod
    def of(cls, record: AuditRecord) -> AuditEntry:
        """Return a record as it is shown."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class AuditPage(ApiModel):
    """Records of the audit log, newest first."""

    data: list[AuditEntry]
    next_cursor: int | None = Field(description="the cursor of the next page; null at the end")


@router.get("/audit", tags=["audit"], summary="Read the audit log")
async def audit(
    principal: Auditor,
    context: Context,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[int | None, Query(ge=1, le=_LARGEST)] = None,
    actor: Annotated[Storable | None, Query(description="who acted: a key's id, `cli` or `system`")] = None,
    action: Annotated[Storable | None, Query(description="what was done, such as `target.create`")] = None,
    target_id: Storable | None = None,
    decision_id: Storable | None = None,
    since: Annotated[Moment | None, Query(description="earliest time")] = None,
    until: Annotated[Moment | None, Query(description="latest time, not included")] = None,
) -> AuditPage:
    """Return the records for which all of the given conditions hold, newest first."""
    wanted = AuditFilter(actor, action, target_id, decision_id, since, until)
    async with context.database.read() as session:
        records, following = await context.audit.page(session, cursor, limit, wanted)
    return AuditPage(data=[AuditEntry.of(record) for record in records], next_cursor=following)
