"""The engine's side of the front end's routes (`server.fleet.routes`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from server.engine.described import Described
from server.fleet.options import Options

_POLL_S = 5
# A request that a front end has not answered by then has failed: most of a lease would be over.
_TIMEOUT = httpx.Timeout(4.0)
_POLLING = httpx.Timeout(4.0, read=_POLL_S + 5.0)
_FETCHING = httpx.Timeout(10.0, read=60.0)


class Refused(Exception):
    """The front end does not use this engine. The message is the front end's."""


class LeaseEnded(Exception):
    """The engine has no lease any more."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The name of an engine that has joined, and the seconds of its lease."""

    instance: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class Told:
    """What the front end tells: the revision, what to hold from then on, and what to forget."""

    revision: int
    needed: tuple[str, ...]
    dropped: tuple[str, ...]


class FrontEnds:
    """The front ends, as an engine sees them: any of them answers.

    Every method raises httpx.HTTPError if none can be reached or answers as it should.
    """

    def __init__(self, options: Options, transport: httpx.AsyncBaseTransport | None = None) -> None:
        known: dict[str, Any] = {"transport": transport} if transport else {"verify": options.context or True}
        headers = {"authorization": f"Bearer {options.token}"}
        self._client = httpx.AsyncClient(base_url=options.url, headers=headers, timeout=_TIMEOUT, **known)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def join(self, about: Described) -> Joined:
        """Join the fleet. Raises Refused."""
        answer = await self._ask("POST", "/fleet/engines", json=about.told(), timeout=_FETCHING)
        return Joined(str(answer["instance"]), float(answer["lease_s"]))

    async def policy(self, instance: str, since: int) -> Told:
        """Return what has changed after a revision. It waits some seconds for a change."""
        path = f"/fleet/engines/{instance}/policy?since={since}&wait={_POLL_S if since else 0}"
        answer = await self._ask("GET", path, timeout=_POLLING)
        return Told(int(answer["revision"]), tuple(answer["needed"]), tuple(answer["dropped"]))

    async def restriction(self, digest: str) -> bytes | None:
        """Return the file of a restriction, None if no front end needs it any more."""
        answer = await self._client.get(f"/fleet/restrictions/{digest}", timeout=_FETCHING)
        return None if answer.status_code == 404 else answer.raise_for_status().content

    async def acknowledge(self, instance: str, revision: int) -> bool:
        """Say that all ranks hold what a revision asks for. Return whether it is the latest. Raises LeaseEnded."""
        answer = await self._ask("POST", f"/fleet/engines/{instance}/acknowledgement", json={"revision": revision})
        return bool(answer["current"])

    async def renew(self, instance: str) -> float:
        """Renew the lease, and return how many seconds it lasts from when this was asked. Raises LeaseEnded."""
        return float((await self._ask("POST", f"/fleet/engines/{instance}/lease", json={}))["lease_s"])

    async def leave(self, instance: str) -> None:
        """Leave the fleet."""
        (await self._client.delete(f"/fleet/engines/{instance}")).raise_for_status()

    async def _ask(self, method: str, path: str, **others: Any) -> dict[str, Any]:
        answer = await self._client.request(method, path, **others)
        if answer.status_code == 409:
            error = answer.json()["error"]
            raise (LeaseEnded if error["code"] == "lease_lost" else Refused)(error["message"])
        found: dict[str, Any] = answer.raise_for_status().json()
        return found
