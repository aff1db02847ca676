"""The agent of an engine: it proves the engine, joins the fleet, holds what the front ends need, and keeps the lease.

prove ─▶ join ─▶ load all ─▶ acknowledge ─▶ current? ─▶ open ─▶ follow each change, renew the lease
  ▲                                                                    │
  └────────────── shut: the lease is over, or something failed ◀───────┘
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

import httpx
from prometheus_client import Counter, Gauge

from guard.errors import RestrictionError
from guard.restriction import SUFFIX, Restriction
from server.engine.described import Described
from server.engine.proof import prove
from server.engine.protocol import Engine
from server.errors import EngineFailure
from server.fleet.client import FrontEnds, LeaseEnded, Refused
from server.fleet.door import Door

logger = logging.getLogger("vllm.guard")

T = TypeVar("T")
_AT_ONCE = 16  # files that are fetched at once
_RETRY_S = 0.3
_PAUSE_S, _REFUSED = 1.0, 10  # and how many times longer after a refusal: somebody has to change something first
# For how long the workers are open for the proof. The door is shut meanwhile.
_PROOF_S = 120.0

SUPPRESSED = Counter("guard_suppressed_tokens", "Tokens that the guard kept this engine from saying")
IN_SERVICE = Gauge("guard_engine_in_service", "Whether this engine is proven, current and in possession of its lease")


class Opened(Engine, Protocol):
    """An engine whose workers have a gate (`server.fleet.local.LocalEngine`)."""

    async def open_for(self, seconds: float) -> None:
        """Have every rank say something for `seconds` from now; 0: nothing from now on. Raises EngineFailure."""
        ...

    async def total(self) -> int:
        """Return how many tokens were suppressed since the last call. Raises EngineFailure."""
        ...


class Agent:
    """Keeps one engine in the fleet, or shut.

    Args:
        engine: The engine.
        fronts: The front ends.
        door: The door of the engine's application.
        folder: The engine's folder of restrictions.
        about: What the engine says of itself.
        pause_s: Seconds between two attempts to join.
    """

    def __init__(
        self, engine: Opened, fronts: FrontEnds, door: Door, folder: Path, about: Described, *, pause_s: float = _PAUSE_S
    ) -> None:
        self._engine, self._fronts, self._door = engine, fronts, door
        self._folder, self._about = folder, about
        self._pause_s = pause_s
        self._held: set[str] = set()
        self._instance = ""
        self._lease_s = self._until = 0.0
        self._current = False
        self._renewed = asyncio.Event()

    async def run(self) -> None:
        """Prove and join the engine, again and again, for ever."""
        while True:
            pause = self._pause_s
            try:
                await self._prove()
                await self._member()
            except Refused as error:
                pause *= _REFUSED
                logger.error("the front end does not use this engine: %s", error)
            except LeaseEnded as error:
                logger.error("this engine says nothing until it has joined anew: %s", error)
            except httpx.HTTPError as error:
                logger.error("the front end cannot be asked, so this engine is not in service: %s", _told(error))
            except Exception as error:
                logger.error("this engine is not in service: %s: %s", type(error).__name__, error)
            await asyncio.sleep(pause)

    async def leave(self) -> None:
        """Shut the engine and leave the fleet, so that nobody waits until the lease is over."""
        self._door.shut()
        if self._instance:
            with suppress(httpx.HTTPError):
                await self._fronts.leave(self._instance)

    async def _prove(self) -> None:
        """Show that the engine obeys (`server.engine.proof`). Raises GuardFailure and EngineFailure."""
        await self._engine.open_for(_PROOF_S)
        try:
            await prove(self._engine, self._folder, self._about.models[0])
        finally:
            await self._engine.open_for(0)

    async def _member(self) -> None:
        """Be a member of the fleet until something fails. Raises what fails."""
        asked = time.monotonic()
        joined = await self._fronts.join(self._about)
        self._instance, self._lease_s = joined.instance, joined.lease_s
        self._until, self._current = asked + joined.lease_s, False
        self._renewed.clear()
        tasks = [asyncio.create_task(task) for task in (self._renew(), self._extend(), self._follow())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await self._shut(tasks)

    async def _shut(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        self._door.shut()
        IN_SERVICE.set(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The workers end with the lease in any case.
        with suppress(EngineFailure):
            await self._engine.open_for(0)
        await self.leave()
        self._instance = ""

    async def _renew(self) -> None:
        """Renew the lease for ever. Raises LeaseEnded."""
        while True:
            await asyncio.sleep(self._lease_s / 4)
            while True:
                asked = time.monotonic()
                if asked >= self._until:
                    raise LeaseEnded("no front end renewed its lease")
                try:
                    self._until = asked + await self._fronts.renew(self._instance)
                    break
                except httpx.HTTPError as error:
                    logger.warning("the lease could not be renewed: %s", _told(error))
                    await asyncio.sleep(_RETRY_S)
            if self._current:
                self._door.open_until(self._until)
                self._renewed.set()

    async def _open(self) -> None:
        """Open the workers, and then the door until the lease ends."""
        await self._open_workers()
        self._door.open_until(self._until)

    async def _open_workers(self) -> None:
        # The door is exact. The workers, which may be in the middle of a long step when they are told, get a lease more.
        await self._engine.open_for(max(0.0, self._until - time.monotonic()) + self._lease_s)

    async def _extend(self) -> None:
        """Tell the workers each time that the lease was renewed, for ever. The renewal does not wait for a busy worker."""
        while True:
            await self._renewed.wait()
            self._renewed.clear()
            await self._open_workers()
            SUPPRESSED.inc(await self._engine.total())

    async def _follow(self) -> None:
        """Do what the front ends ask for, and acknowledge it, for ever. Raises what fails, and LeaseEnded."""
        since = 0
        while True:
            told = await self._asked(lambda since=since: self._fronts.policy(self._instance, since))  # type: ignore[misc]
            await self._hold(told.needed, told.dropped, everything=not since)
            current = await self._asked(lambda told=told: self._fronts.acknowledge(self._instance, told.revision))  # type: ignore[misc]
            if current and not self._current:
                self._current = True
                await self._open()
                IN_SERVICE.set(1)
                logger.info("this engine is proven and current, with %d restrictions: it is in service", len(self._held))
            if not told.revision:
                await asyncio.sleep(_RETRY_S)  # nothing was ever asked for, and the front end does not wait
            since = told.revision

    async def _asked(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a front end answers. While none does, it is asked again; `_renew` ends that."""
        while True:
            try:
                return await call()
            except httpx.HTTPError as error:
                logger.warning("the front end did not answer: %s", _told(error))
                await asyncio.sleep(_RETRY_S)

    async def _hold(self, needed: Collection[str], dropped: Collection[str], *, everything: bool) -> None:
        """Have every rank hold what is needed and forget the rest. Raises EngineFailure and RestrictionError."""
        slots = asyncio.Semaphore(_AT_ONCE)
        new = [digest for digest in needed if digest not in self._held]

        async def one(digest: str) -> str | None:
            async with slots:
                return digest if await self._fetched(digest) else None

        found = [digest for digest in await asyncio.gather(*(one(digest) for digest in new)) if digest]
        if found:
            await self._engine.load(found)
            self._held.update(found)
        gone = self._held.difference(needed) if everything else self._held.intersection(dropped)
        if gone:
            await self._engine.forget(sorted(gone))
            self._held -= gone
        for digest in gone:
            self._path(digest).unlink(missing_ok=True)
        if everything:
            # What an earlier process left may be what should have been forgotten.
            for file in self._folder.glob(f"*{SUFFIX}"):
                if file.name.removesuffix(SUFFIX) not in self._held:
                    file.unlink(missing_ok=True)

    async def _fetched(self, digest: str) -> bool:
        """Fetch a restriction, and check that it is what its name says. Return False if nobody needs it any more."""
        content = await self._asked(lambda: self._fronts.restriction(digest))
        if content is None:
            return False
        await asyncio.to_thread(self._keep, digest, content)
        return True

    def _keep(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        try:
            Restriction.load(self._folder, digest)
        except RestrictionError:
            path.unlink(missing_ok=True)
            raise

    def _path(self, digest: str) -> Path:
        return self._folder / (digest + SUFFIX)


def _told(error: httpx.HTTPError) -> str:
    """Return for the log what went wrong; the message of a status names the URL, which has no secret."""
    return f"{type(error).__name__}: {error}"
