"""Any sequence of changes to targets leaves the store in the state that a few dictionaries reach."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from classifiers.target import ForgetTarget
from server.store import Database, Standing, StoredTarget, TargetDraft, TargetExists, TargetNotFound, Targets, VersionConflict

T = TypeVar("T")
IDS = ["a", "a-b", "a.b", "b"]
targets = Targets()


@dataclass(frozen=True)
class Known:
    """What the model knows of a target: its name is what tells versions apart."""

    version: int
    status: str
    name: str | None
    active_version: int | None = None


class TargetsMachine(RuleBasedStateMachine):
    """The repository beside dictionaries: by id, and by id and version."""

    store_url: str

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.database = self.runner.run(Database.open(self.store_url))
        self.known: dict[str, Known] = {}
        self.names: dict[tuple[str, int], str | None] = {}
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)
        self.write(self._clear)

    async def _clear(self, session: AsyncSession) -> None:
        for table in ("target_versions", "targets"):
            await session.execute(text(f"DELETE FROM {table}"))

    def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T | type[Exception]:
        """Return what the work returns, or the type of what it raises: then nothing was changed."""

        async def run() -> T:
            async with self.database.write() as session:
                return await work(session)

        self.clock += timedelta(seconds=1)
        try:
            return self.runner.run(run())
        except (TargetExists, TargetNotFound, VersionConflict) as error:
            return type(error)

    def _remember(self, target_id: str, known: Known) -> None:
        self.known[target_id] = known
        self.names[target_id, known.version] = known.name

    def _live(self, target_id: str) -> Known | None:
        known = self.known.get(target_id)
        return known if known and known.status != "deleted" else None

    @rule(ids=st.lists(st.sampled_from(IDS), min_size=1, max_size=3, unique=True), name=st.sampled_from(["Alice", "Bill Lizard"]))
    def create(self, ids: list[str], name: str) -> None:
        drafts = [TargetDraft(ForgetTarget(id=i, name=name)) for i in ids]
        made = self.write(lambda session: targets.create_many(session, drafts, actor="x", at=self.clock))
        if any(self._live(i) for i in ids):
            assert made is TargetExists
            return
        for i in ids:
            old = self.known.get(i, Known(0, "deleted", None))
            self._remember(i, Known(old.version + 1, "pending", name, old.active_version))

    @rule(target_id=st.sampled_from(IDS), behind=st.sampled_from([0, 0, 1]), name=st.sampled_from(["Alice", "Cheshire Cat"]))
    def update(self, target_id: str, behind: int, name: str) -> None:
        known = self._live(target_id)
        draft = TargetDraft(ForgetTarget(id=target_id, name=name))
        expected = known.version - behind if known else 1
        done = self.write(lambda session: targets.update(session, draft, expected=expected, actor="x", at=self.clock))
        if known is None:
            assert done is TargetNotFound
        elif behind:
            assert done is VersionConflict
        else:
            status = "paused" if known.status == "paused" else "pending"
            self._remember(target_id, replace(known, version=known.version + 1, status=status, name=name))

    @rule(target_id=st.sampled_from(IDS), status=st.sampled_from(["pending", "paused", "deleted"]))
    def set_status(self, target_id: str, status: str) -> None:
        known = self._live(target_id)
        done = self.write(
            lambda session: targets.set_status(session, target_id, status, actor="x", at=self.clock)  # type: ignore[arg-type]
        )
        if known is None:
            assert done is TargetNotFound
        else:
            self._remember(target_id, replace(known, version=known.version + 1, status=status))

    @rule(ids=st.sets(st.sampled_from(IDS)), behind=st.sampled_from([0, 0, 1]))
    def activate(self, ids: set[str], behind: int) -> None:
        versions = {i: self.known[i].version - behind for i in ids if i in self.known and self.known[i].version > behind}
        versions = {i: version for i, version in versions.items() if self.names[i, version] is not None}
        self.write(lambda session: targets.mark_active(session, versions, 1, at=self.clock))
        for i, version in versions.items():
            known = self.known[i]
            reached = known.version == version and known.status == "pending"
            self.known[i] = replace(known, active_version=version, status="active" if reached else known.status)

    @rule(ids=st.sets(st.sampled_from(IDS)))
    def retire(self, ids: set[str]) -> None:
        self.write(lambda session: targets.mark_retired(session, ids))
        for i in ids & self.known.keys():
            self.known[i] = replace(self.known[i], active_version=None)

    @rule(target_id=st.sampled_from(IDS))
    def purge(self, target_id: str) -> None:
        known = self.known.get(target_id)
        done = self.write(lambda session: targets.purge(session, target_id, actor="x", at=self.clock))
        if known is None:
            assert done is TargetNotFound
            return
        for key in self.names:
            if key[0] == target_id:
                self.names[key] = None
        version = known.version if known.name is None else known.version + 1
        self._remember(target_id, Known(version, "deleted", None))

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        async def read() -> tuple[dict[str, StoredTarget], list[set[Standing]], dict[tuple[str, int], str | None], list[str]]:
            async with self.database.read() as session:
                found = await targets.find(session, IDS)
                standings = [set(await targets.unsettled(session, everything=every)) for every in (True, False)]
                history = {
                    (version.target_id, version.version): version.document["name"] if version.document else None
                    for i in found
                    for version in await targets.history(session, i)
                }
                listed: list[str] = []
                cursor = None
                while not listed or cursor:
                    page = await targets.page(session, limit=2, cursor=cursor)
                    listed += [target.id for target in page.targets]
                    cursor = page.cursor
                    if not listed:
                        break
                return found, standings, history, listed

        found, (everything, unsettled), history, listed = self.runner.run(read())
        assert self.known == {
            i: Known(t.version, t.status, t.document["name"] if t.document else None, t.active_version) for i, t in found.items()
        }
        assert history == self.names
        assert everything == {(i, k.version, k.status, k.active_version) for i, k in self.known.items()}
        # What is wanted differs from what the active snapshot enforces.
        assert unsettled == {s for s in everything if (s.version if s.wanted else None) != s.active_version}
        assert sorted(listed) == sorted(i for i in self.known if self._live(i))

    def teardown(self) -> None:
        self.runner.run(self.database.close())
        self.runner.close()


@pytest.mark.slow
def test_the_repository_and_its_model_agree(store_url: str) -> None:
    machine = type("Machine", (TargetsMachine,), {"store_url": store_url})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]),
    )
