"""The route that shows which policy is in force."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from server.api.base import ERRORS, ApiModel
from server.api.context import Auditor, Context
from server.api.failures import ApiRoute
from server.store import Peers, Snapshots, StoredPeer, Targets
from server.store.peers import ENGINE, JOINING, SERVER
from server.store.tables import Status

router = APIRouter(prefix="/v1", route_class=ApiRoute, responses={**ERRORS})
_PENDING_SHOWN = 100


class PeerResponse(ApiModel):
    """A process on the store."""

    instance: str
    started_at: datetime
    snapshot: int = Field(description="the latest snapshot that all its workers have acknowledged")
    lease_until: datetime
    alive: bool = Field(description="whether its lease lasts; if so, a new snapshot waits for it")

    @classmethod
    def of(cls, peer: StoredPeer, now: datetime) -> PeerResponse:
        """Return a peer as it is shown."""
        return cls(
            instance=peer.instance,
            started_at=peer.started_at,
            snapshot=peer.snapshot,
            lease_until=peer.lease_until,
            alive=peer.lease_until > now,
        )


class WorkerResponse(ApiModel):
    """A worker of the engine of the process that answers, as the worker reports itself."""

    rank: int = Field(description="its number; the workers of all data-parallel ranks are counted through")
    held: int = Field(description="how many restrictions of the snapshot it holds")
    acknowledged: bool = Field(description="whether it holds all restrictions that the snapshot needs")


class PolicyResponse(ApiModel):
    """The policy in force."""

    snapshot: int = Field(description="number of the active snapshot; 0 if there is none yet")
    digest: str | None = Field(description="sha256 over the enforced targets and their versions")
    activated_at: datetime | None
    serving: bool = Field(description="whether the process that answers enforces the latest snapshot")
    targets: dict[Status, int] = Field(description="how many targets have each status")
    pending: list[str] = Field(description=f"targets that are not enforced yet, at most {_PENDING_SHOWN}")
    peers: list[PeerResponse]
    engines: list[PeerResponse] = Field(description="the engines of a fleet; `snapshot` is the latest revision that each holds")
    restrictions: int = Field(description="how many restrictions the snapshot needs in the process that answers")
    workers: list[WorkerResponse]


@router.get("/policy", tags=["policy"], summary="Show what is in force")
async def policy(principal: Auditor, context: Context) -> PolicyResponse:
    """Return the active snapshot, how far each process on the store enforces it, and each worker of the one that answers."""
    needed, held = await context.activation.enforcement.acknowledged()
    async with context.database.read() as session:
        active = await Snapshots().active(session)
        counts = await Targets().counts(session)
        waiting = (await Targets().page(session, status="pending", limit=_PENDING_SHOWN)).targets
        peers = await Peers().all(session)
        now = await context.database.now(session)
    return PolicyResponse(
        snapshot=active.number if active else 0,
        digest=active.digest if active else None,
        activated_at=active.activated_at if active else None,
        serving=context.activation.serving,
        targets=counts,
        pending=[target.id for target in waiting],
        peers=[PeerResponse.of(peer, now) for peer in peers if peer.kind == SERVER],
        engines=[PeerResponse.of(peer, now) for peer in peers if peer.kind in (ENGINE, JOINING)],
        restrictions=needed,
        workers=[WorkerResponse(rank=rank, held=count, acknowledged=count == needed) for rank, count in enumerate(held)],
    )
