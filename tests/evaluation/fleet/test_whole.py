from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from evaluation.demo import load_demo
from evaluation.fleet import whole
from evaluation.targets.cluster import ClusterError, binaries
from tests.evaluation.fleet.fakes import Policy, fake_fleet


def test_a_front_end_knows_its_router_and_its_tokenizer(tmp_path: Path) -> None:
    front = whole.front_end("/models/demo", "http://router", tmp_path / "one", "postgresql://x", GUARD_POLICY="policy.yaml")
    environment = front._environment
    assert environment["GUARD_UPSTREAM"] == "http://router"
    assert environment["GUARD_TOKENIZER"] == "/models/demo"
    assert environment["GUARD_DATABASE"] == "postgresql://x"
    assert environment["GUARD_POLICY"] == "policy.yaml"
    assert Path(environment["GUARD_ENGINE_TOKEN_FILE"]).read_text() == whole.TOKEN


def test_a_fleet_knows_its_parts_before_it_starts(tmp_path: Path) -> None:
    try:
        binaries()
    except ClusterError as error:
        pytest.skip(str(error))
    with whole.WholeFleet("/models/demo", tmp_path, policy=tmp_path / "policy.yaml") as fleet:
        assert [f"http://127.0.0.1:{engine.port}" for engine in fleet.engines] == list(fleet.router._engines)
        assert ["GUARD_POLICY" in front._environment for front in fleet.fronts] == [True, False]
        assert fleet.fronts[0]._environment["GUARD_DATABASE"] == fleet.fronts[1]._environment["GUARD_DATABASE"]
        assert [engine._server for engine in fleet.engines] == [front.url for front in fleet.fronts]
        added = fleet.add_engine()
        assert added._folder.name == "engine-2"
        assert added._server == fleet.fronts[0].url


def test_two_requests_in_a_row_show_which_engines_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = {"http://one": 3.0, "http://two": 5.0}

    def get(url: str, **_: Any) -> httpx.Response:
        count = tokens[url.removesuffix("/metrics")]
        return httpx.Response(200, text=f'vllm:generation_tokens_total{{engine="0"}} {count}\nother 9\n')

    def post(url: str, **_: Any) -> None:
        tokens["http://one"] += 1

    monkeypatch.setattr(httpx, "get", get)
    monkeypatch.setattr(httpx, "post", post)
    engines = [SimpleNamespace(url=url) for url in tokens]
    fleet: Any = SimpleNamespace(engines=engines, router=SimpleNamespace(url="http://router"))
    assert whole.WholeFleet.served(fleet) == [True, False]


def test_answers_are_asked_for_and_errors_are_raised() -> None:
    pair, policy = load_demo().general[0], Policy()
    with fake_fleet(policy) as fleet:
        front = fleet.fronts[0]
        assert whole.said(whole.ask(front.url, pair.question)) == pair.answer
        front.check_alive = lambda: None
        assert whole._listens(front)
        policy.status = 503
        with pytest.raises(httpx.HTTPStatusError):
            whole.said(whole.ask(front.url, pair.question))
    assert not whole._listens(front)
