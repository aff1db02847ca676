from __future__ import annotations

import asyncio
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.fleet import cost
from tests.evaluation.fleet.fakes import Policy, fake_fleet


@pytest.mark.slow
def test_throughput_counts_the_tokens_of_all_answers() -> None:
    with fake_fleet(Policy()) as fleet:
        assert asyncio.run(cost.throughput(fleet.fronts[0].url, 20)) > 0
        assert cost.measured(fleet.fronts[0].url, 4, 2) > 0


def test_the_fleet_is_compared_with_the_process_before_and_after_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Started:
        url = "http://process"
        fronts = (SimpleNamespace(url="http://fleet"),)

        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def __enter__(self) -> Started:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def start(self) -> None:
            pass

        def wait(self) -> None:
            pass

    found = iter([100.0, 90.0, 140.0])
    monkeypatch.setattr(cost, "WholeServer", Started)
    monkeypatch.setattr(cost, "WholeFleet", Started)
    monkeypatch.setattr(cost, "measured", lambda *_: next(found))
    result = cost.overhead("/models/demo", tmp_path, 10, 1)
    assert result["in_process_tokens_s"] == [100.0, 140.0]
    assert result["ratio"] == 0.75


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.slow
def test_a_new_engine_is_timed_without_targets_and_with_them(deaf: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    policy, imported = Policy(deaf=deaf), list[str]()
    with fake_fleet(policy) as fleet:
        plain = fleet.fronts[0].client

        def client(**_: Any) -> Any:
            opened = plain()
            sent = opened.post

            def post(url: str, content: str, **others: Any) -> Any:
                imported.extend(content.splitlines())
                return sent("/v1/forget-targets", json={"id": "all"}, **others)

            opened.post = post
            return opened

        fleet.fronts[0].client = client
        fleet.engines = []
        fleet.start = lambda: None

        def add_engine(at: int) -> Any:
            engine = SimpleNamespace(start=lambda: None, ready=True, kill=lambda: None)
            fleet.engines.append(engine)
            return engine

        fleet.add_engine = add_engine
        monkeypatch.setattr(cost, "WholeFleet", lambda *_, **__: nullcontext(fleet))
        found = cost.cold("/models/demo", tmp_path, 260)
    assert len(imported) == 260
    assert found["targets"] == 260
    assert found["with_targets_s"] >= 0
    assert bool(found["failures"]) is deaf
