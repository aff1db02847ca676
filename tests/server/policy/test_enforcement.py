"""Workers hold what a snapshot needs before it is in force, and nothing that no request and no snapshot needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from classifiers import ForgetTarget, LiveClassifier, Phrase
from classifiers.answering import Answer, Answering
from classifiers.meaning.background import Background
from server.errors import EngineFailure
from server.metrics import Metrics
from server.policy.enforcement import MOST_PARTS, Enforcement
from server.screening.lanes import Lanes
from tests.server.fakes import FakeEngine, WordEncoder


class StubbornEngine(FakeEngine):
    refuses = False

    async def load(self, digests: Sequence[str]) -> None:
        if self.refuses:
            raise EngineFailure("a worker did not acknowledge")
        await super().load(digests)


def target(number: int) -> ForgetTarget:
    return ForgetTarget(
        id=f"t{number}", name=f"Person Number{number}", phrases=[Phrase(f"secret{number} words{number}", "always")]
    )


@pytest.fixture
def engine() -> StubbornEngine:
    return StubbornEngine()


@pytest.fixture
async def enforcement(engine: StubbornEngine, tmp_path: Path) -> AsyncIterator[Enforcement]:
    encoder = WordEncoder()
    with Lanes() as lanes:
        enforcement = Enforcement(engine, encoder, lanes, tmp_path, Metrics())
        await enforcement.start([], LiveClassifier([], Background([], encoder), encoder))
        enforcement.commit_start(0)
        yield enforcement
        enforcement.stop()


async def add(enforcement: Enforcement, number: int, removed: Sequence[str] = ()) -> None:
    async with enforcement.changing([target(number)], removed) as prepared:
        enforcement.commit(prepared, number)


async def test_nothing_is_enforced_before_the_start(engine: StubbornEngine, tmp_path: Path) -> None:
    with Lanes() as lanes, pytest.raises(RuntimeError, match="start"):
        Enforcement(engine, WordEncoder(), lanes, tmp_path, Metrics()).snapshot  # noqa: B018


async def test_workers_are_ready_before_a_change_is_in_force(enforcement: Enforcement, engine: StubbornEngine) -> None:
    async with enforcement.changing([target(1)], ()) as prepared:
        assert enforcement.snapshot.number == 0
        assert set(prepared.compiled.digests) <= set(engine.loaded)
        snapshot = enforcement.commit(prepared, 1)
    assert snapshot is enforcement.snapshot
    assert (snapshot.number, set(snapshot.targets)) == (1, {"t1"})
    assert set(snapshot.always) <= set(engine.loaded)


async def test_a_change_that_a_worker_does_not_take_changes_nothing(enforcement: Enforcement, engine: StubbornEngine) -> None:
    await add(enforcement, 1)
    engine.refuses = True
    with pytest.raises(EngineFailure):
        await add(enforcement, 2)
    assert (enforcement.snapshot.number, set(enforcement.snapshot.targets)) == (1, {"t1"})
    engine.refuses = False
    await add(enforcement, 2)
    assert set(enforcement.snapshot.targets) == {"t1", "t2"}


async def test_a_request_keeps_what_it_was_admitted_under(enforcement: Enforcement, engine: StubbornEngine) -> None:
    await add(enforcement, 1)
    async with enforcement.admitted() as screener:
        used = set(screener.snapshot.always)
        await add(enforcement, 2, removed=["t1"])
        await enforcement.drop_unused()
        assert used <= set(engine.loaded)
    await enforcement.drop_unused()
    assert not used & set(engine.loaded)
    assert set(enforcement.snapshot.always) <= set(engine.loaded)


async def test_parts_stay_few_and_are_one_after_the_merge(
    enforcement: Enforcement, engine: StubbornEngine, tmp_path: Path
) -> None:
    for number in range(1, MOST_PARTS + 3):
        await add(enforcement, number)
    await enforcement.merge()
    assert len(enforcement.snapshot.always) == 1
    assert len(enforcement.snapshot.targets) == MOST_PARTS + 2
    assert engine.loaded == list(enforcement.snapshot.always)
    assert [file.stem for file in tmp_path.glob("*.safetensors")] == engine.loaded  # noqa: ASYNC240
    needed, held = await enforcement.acknowledged()
    assert held == [needed] == [1]


async def test_targets_are_answered_by_the_defaults_unless_they_say_it(engine: StubbornEngine, tmp_path: Path) -> None:
    encoder = WordEncoder()
    with Lanes() as lanes:
        defaults = Answering(Answer.MASK)
        enforcement = Enforcement(engine, encoder, lanes, tmp_path, Metrics(), defaults)
        await enforcement.start([], LiveClassifier([], Background([], encoder), encoder))
        enforcement.commit_start(0)
        await add(enforcement, 1)
        assert enforcement.snapshot.answering("t1") == defaults
        enforcement.stop()
