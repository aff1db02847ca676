"""Workers hold what a snapshot needs before it is in force, and nothing that no request and no snapshot needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from classifiers import ForgetTarget, LiveClassifier, Phrase
from classifiers.answering import Answer, Answering
from classifiers.detection import Detection
from classifiers.meaning.background import Background
from classifiers.meaning.neighbours import Neighbours
from server.errors import EngineFailure
from server.metrics import Metrics
from server.policy import enforcement as module
from server.policy.compiler import Compiler
from server.policy.enforcement import Enforcement
from server.policy.kept import Kept, key_of
from server.policy.parts import MOST_PARTS
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
        enforcement = Enforcement(engine, Neighbours(encoder), lanes, tmp_path, Metrics())
        await enforcement.start([], LiveClassifier([], Background([], encoder), encoder))
        enforcement.commit_start(0)
        yield enforcement
        enforcement.stop()


async def add(enforcement: Enforcement, number: int, removed: Sequence[str] = ()) -> None:
    async with enforcement.changing([target(number)], removed) as prepared:
        enforcement.commit(prepared, number)


async def test_nothing_is_enforced_before_the_start(engine: StubbornEngine, tmp_path: Path) -> None:
    with Lanes() as lanes, pytest.raises(RuntimeError, match="start"):
        Enforcement(engine, Neighbours(WordEncoder()), lanes, tmp_path, Metrics()).snapshot  # noqa: B018


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


async def test_what_is_kept_for_the_next_start_is_written_when_nothing_changes(enforcement: Enforcement, tmp_path: Path) -> None:
    await add(enforcement, 1)
    await add(enforcement, 2)
    assert Kept.read(tmp_path).keys == ()
    await enforcement.merge()
    keys = {number: key_of(target(number), "") for number in (1, 2)}
    assert set(Kept.read(tmp_path).keys) == set(keys.values())
    async with enforcement.changing([], ["t1"]) as prepared:
        enforcement.commit(prepared, 3)
    # One part remains, and still there is something to do: the file names what is gone.
    assert not enforcement._is_whole()
    await enforcement.merge()
    assert enforcement._is_whole()
    assert Kept.read(tmp_path).keys == [keys[2]]


async def test_many_changes_are_kept_at_once(enforcement: Enforcement, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MANY", 3)
    for number in range(1, 4):
        await add(enforcement, number)
    assert enforcement._merging._task is not None
    await enforcement._merging._task
    assert len(Kept.read(tmp_path).keys) == 3
    assert set(enforcement.snapshot.targets) == {"t1", "t2", "t3"}


async def test_a_removed_target_is_not_banned_and_the_others_are(
    enforcement: Enforcement, engine: StubbornEngine, tmp_path: Path
) -> None:
    async with enforcement.changing([target(number) for number in range(20)], ()) as prepared:
        enforcement.commit(prepared, 1)
    async with enforcement.changing([], ["t7"]) as prepared:
        enforcement.commit(prepared, 2)
    expected = Compiler(tmp_path).part({f"t{n}": target(n) for n in range(20) if n != 7}).digest
    assert enforcement.snapshot.always == (expected,)
    async with enforcement.changing([target(3).model_copy(update={"name": "Changed Name"})], []) as prepared:
        enforcement.commit(prepared, 3)
    await enforcement.merge()
    targets = {f"t{n}": target(n) for n in range(20) if n not in (3, 7)} | {"t3": enforcement.snapshot.targets["t3"]}
    assert enforcement.snapshot.always == (Compiler(tmp_path).part(targets).digest,)


async def test_targets_are_answered_by_the_defaults_unless_they_say_it(engine: StubbornEngine, tmp_path: Path) -> None:
    encoder = WordEncoder()
    with Lanes() as lanes:
        defaults = Answering(Answer.MASK)
        enforcement = Enforcement(engine, Neighbours(encoder), lanes, tmp_path, Metrics(), (defaults, Detection()))
        await enforcement.start([], LiveClassifier([], Background([], encoder), encoder))
        enforcement.commit_start(0)
        await add(enforcement, 1)
        assert enforcement.snapshot.answering("t1") == defaults
        enforcement.stop()
