"""What the store asks for is in force, in every process, before anybody is told so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from classifiers import Example, ForgetTarget, LiveClassifier, Phrase, Screened
from classifiers.meaning.neighbours import Neighbours
from server.errors import EngineFailure
from server.metrics import Metrics
from server.policy import activation as module
from server.policy import lease, merging
from server.policy.activation import Activation, NotEnforced
from server.policy.enforcement import Enforcement
from server.policy.kept import NAME
from server.policy.parts import MOST_PARTS
from server.policy.recovery import recover
from server.screening.lanes import Lanes
from server.store import Database, Peers, TargetDraft, Targets, notifier_of
from server.store.audit.log import Audit
from tests.server.fakes import FakeEngine, WordEncoder
from tests.server.store.conftest import *  # noqa: F403

TARGETS = Targets()


class StubbornEngine(FakeEngine):
    refuses = False

    async def load(self, digests: Sequence[str]) -> None:
        if self.refuses:
            raise EngineFailure("a worker did not acknowledge")
        await super().load(digests)


class Process:
    """One server process: an engine of its own, and the store that all share."""

    def __init__(self, database: Database, engine: StubbornEngine, activation: Activation) -> None:
        self.database, self.engine, self.activation = database, engine, activation

    @property
    def snapshot(self) -> frozenset[str]:
        return frozenset(self.activation.enforcement.snapshot.targets)

    def found(self, text: str) -> list[str]:
        classifier = self.activation.enforcement.snapshot.classifier
        return [match.target_id for match in classifier.classify([Screened.of(text)])[0]]

    async def add(self, *drafts: TargetDraft) -> int:
        async with self.database.write() as session:
            await TARGETS.create_many(session, drafts, actor="test")
        return await self.activation.activate()

    async def remove(self, target_id: str) -> int:
        async with self.database.write() as session:
            await TARGETS.set_status(session, target_id, "deleted", actor="test")
        return await self.activation.activate()

    async def status(self, target_id: str) -> str:
        async with self.database.read() as session:
            return (await TARGETS.get(session, target_id)).status


@asynccontextmanager
async def process(database: Database, folder: Path, name: str) -> AsyncIterator[Process]:
    engine, encoder = StubbornEngine(), WordEncoder()
    with Lanes() as lanes:
        enforcement = Enforcement(engine, Neighbours(encoder), lanes, folder / name, Metrics())
        found = await recover(database, encoder)
        await enforcement.start(found.targets, LiveClassifier(found.targets, [], encoder, None, found.vectors))
        activation = Activation(database, notifier_of(database), enforcement, name, timeout_s=5, audit=Audit())
        await activation.start(found.versions)
        try:
            yield Process(database, engine, activation)
        finally:
            await activation.stop()


def draft(number: int, retain: bool = True) -> TargetDraft:
    target = ForgetTarget(
        id=f"t{number}",
        name=f"Person Number{number}",
        phrases=[Phrase(f"secret{number} words{number}", "always"), Phrase(f"gated{number}", "gated")],
        examples=[Example(prompt=f"what happened in place{number} during year{number}", completion="-")],
    )
    return TargetDraft(target, retain_examples=retain)


@pytest.mark.slow
async def test_one_process_enforces_before_it_answers(database: Database, tmp_path: Path) -> None:
    async with process(database, tmp_path, "a") as one:
        number = await one.add(draft(1))
        snapshot = one.activation.enforcement.snapshot
        assert snapshot.number == number
        assert {*snapshot.always, *snapshot.gated.values()} <= set(one.engine.loaded)
        assert one.found("Who is Person Number1?") == ["t1"]
        assert await one.status("t1") == "active"
        assert await one.remove("t1") > number
        assert one.snapshot == frozenset()
        assert one.found("Who is Person Number1?") == []
        assert one.engine.loaded == []
        assert list((tmp_path / "a").glob("*.safetensors")) == []


@pytest.mark.slow
async def test_another_process_enforces_before_the_first_answers(database: Database, tmp_path: Path) -> None:
    """ops-05: after a change, the API and every server agree."""
    async with process(database, tmp_path, "a") as one, process(database, tmp_path, "b") as two:
        for number in range(3):
            await one.add(draft(number))
            assert f"t{number}" in two.snapshot
            assert set(two.activation.enforcement.snapshot.always) <= set(two.engine.loaded)
        await two.remove("t0")
        assert one.snapshot == two.snapshot == {"t1", "t2"}


@pytest.mark.slow
async def test_both_at_once_and_none_is_lost(database: Database, tmp_path: Path) -> None:
    async with process(database, tmp_path, "a") as one, process(database, tmp_path, "b") as two:

        async def add(by: Process, number: int) -> None:
            await by.add(draft(number))
            assert f"t{number}" in one.snapshot & two.snapshot

        await asyncio.gather(*(add((one, two)[number % 2], number) for number in range(12)))
        assert one.snapshot == two.snapshot == {f"t{number}" for number in range(12)}
        assert [await one.status(f"t{number}") for number in range(12)] == ["active"] * 12


@pytest.mark.slow
async def test_what_is_not_acknowledged_stays_pending_and_is_tried_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.1)
    async with process(database, tmp_path, "a") as one:
        before = one.activation.enforcement.snapshot
        one.engine.refuses = True
        with pytest.raises(NotEnforced):
            await one.add(draft(1))
        assert one.activation.enforcement.snapshot is before
        assert await one.status("t1") == "pending"
        one.engine.refuses = False
        async with asyncio.timeout(10):
            while await one.status("t1") != "active":
                await asyncio.sleep(0.05)
        assert "t1" in one.snapshot


@pytest.mark.slow
async def test_a_dead_process_is_waited_for_no_longer_than_its_lease(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        with monkeypatch.context() as short:
            short.setattr(lease, "LEASE_S", 3.0)
            two = await stack.enter_async_context(process(database, tmp_path, "b"))
            for task in two.activation._tasks:  # killed: it neither follows nor leaves
                task.cancel()
        # Its own lease is long: on a busy machine a short one ends before it is renewed.
        one = await stack.enter_async_context(process(database, tmp_path, "a"))
        await one.add(draft(1))
        assert await one.status("t1") == "active"
        assert "t1" not in two.snapshot
        async with asyncio.timeout(10):
            while two.activation.serving:  # by then it may not answer either
                await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_restart_enforces_what_was_enforced(database: Database, tmp_path: Path) -> None:
    async with process(database, tmp_path, "a") as one:
        await one.add(draft(1), draft(2, retain=False))
        number = one.activation.enforcement.snapshot.number
    async with database.read() as session:
        stored = (await TARGETS.find(session, ["t2"]))["t2"]
    assert stored.target.examples == []
    assert stored.vectors
    async with process(database, tmp_path, "a") as again:
        assert again.snapshot == {"t1", "t2"}
        assert again.activation.enforcement.snapshot.number >= number
        # By meaning, though its text is gone.
        assert again.found("what happened in place2 during year2") == ["t2"]


@pytest.mark.slow
async def test_many_small_changes_are_merged_and_requests_keep_theirs(database: Database, tmp_path: Path) -> None:
    async with process(database, tmp_path, "a") as one:
        await one.add(draft(0))
        async with one.activation.enforcement.admitted() as screener:
            for number in range(1, MOST_PARTS + 3):
                await one.add(draft(number))
            await one.activation.enforcement.merge()
            assert set(screener.snapshot.always) <= set(one.engine.loaded)
        await one.activation.enforcement.drop_unused()
        snapshot = one.activation.enforcement.snapshot
        assert len(snapshot.always) == 1
        assert set(one.engine.loaded) == {*snapshot.always, *snapshot.gated.values()}
        assert one.found("Who is Person Number7?") == ["t7"]


@pytest.mark.slow
async def test_a_list_without_changes_is_merged_by_itself(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "QUIET_S", 0.1)
    async with process(database, tmp_path, "a") as one:
        for number in range(3):
            await one.add(draft(number))
        async with asyncio.timeout(10):
            while len(one.activation.enforcement.snapshot.always) > 1:
                await asyncio.sleep(0.05)
        assert [one.found(f"Who is Person Number{number}?") for number in range(3)] == [["t0"], ["t1"], ["t2"]]
        assert one.snapshot == {"t0", "t1", "t2"}


@pytest.mark.slow
async def test_what_is_never_confirmed_and_given_up_is_enforced_no_more(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 60.0)
    async with process(database, tmp_path, "a") as one:
        async with database.write() as session:  # a process that never acknowledges
            await Peers().register(session, "silent", await database.now(session), 60.0)
        one.activation._timeout_s = 0.2
        with pytest.raises(NotEnforced):
            await one.add(draft(1))
        assert one.snapshot == {"t1"}  # already stricter here, and not yet said to be
        assert await one.status("t1") == "pending"
        async with database.write() as session:
            await TARGETS.set_status(session, "t1", "paused", actor="test")
            await Peers().leave(session, "silent")
        await one.add(draft(2))
        assert one.snapshot == {"t2"}


@pytest.mark.slow
async def test_a_restart_encodes_nothing_again_and_removes_files_that_nobody_uses(database: Database, tmp_path: Path) -> None:
    async with process(database, tmp_path, "a") as one:
        await one.add(draft(1), draft(2))
    (tmp_path / "a" / f"{'0' * 64}.safetensors").write_bytes(b"left")
    (tmp_path / "a" / ".x.part").write_bytes(b"left")
    encoder = WordEncoder()
    recovered = await recover(database, encoder)
    assert sorted(recovered.vectors) == ["t1", "t2"]
    async with process(database, tmp_path, "a") as again:
        assert again.found("what happened in place2 during year2") == ["t2"]
        snapshot = again.activation.enforcement.snapshot
        used = {f"{digest}.safetensors" for digest in (*snapshot.always, *snapshot.gated.values())}
        assert {file.name for file in (tmp_path / "a").iterdir()} == {*used, NAME}
