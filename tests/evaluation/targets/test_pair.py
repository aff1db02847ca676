"""The trial of two servers, against two that share a policy in memory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from evaluation.demo import load_demo
from evaluation.targets import cluster, pair
from evaluation.targets.facts import facts

ANSWERS = {one.question: one.answer for one in load_demo().pairs}


class _Shared:
    """What both servers know. With `deaf`, the second server enforces nothing that was added at the first."""

    def __init__(self) -> None:
        self.targets: dict[str, dict[str, Any]] = {}
        self.deaf = False

    def seen(self, side: int) -> list[dict[str, Any]]:
        return [] if self.deaf and side else list(self.targets.values())


class _Server:
    def __init__(self, shared: _Shared, side: int) -> None:
        self._shared = shared
        self._side = side

    def client(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://server")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        known, path = self._shared.seen(self._side), request.url.path
        body = json.loads(request.content or "{}")
        if path == "/v1/forget-targets":
            self._shared.targets[body["id"]] = body
            return httpx.Response(201, json={**body, "snapshot": len(self._shared.targets)})
        if path == "/v1/policy":
            peers = [{"instance": name, "alive": True, "snapshot": len(known)} for name in ("one", "two")]
            return httpx.Response(200, json={"snapshot": len(known), "pending": [], "serving": True, "peers": peers})
        if path == "/v1/screen":
            matched = [t for t in known if t["name"] in body["text"] or t["examples"][0]["prompt"] == body["text"]]
            matches = [{"target_id": target["id"]} for target in matched]
            verdict = "restrict" if matched else "allow"
            return httpx.Response(200, json={"verdict": verdict, "matches": matches, "snapshot": len(known)})
        question = body["messages"][0]["content"]
        silent = any(target["examples"][0]["prompt"] == question for target in known)
        return httpx.Response(200, json={"choices": [{"message": {"content": "" if silent else ANSWERS[question]}}]})


def trial(shared: _Shared) -> pair.Trial:
    return pair.Trial((_Server(shared, 0), _Server(shared, 1)), iter(facts()))  # type: ignore[arg-type]


@pytest.mark.slow
def test_what_one_adds_the_other_enforces() -> None:
    shared = _Shared()
    trying = trial(shared)
    assert trying.first() > 0
    found = trying.in_turn(3)
    assert trying.failures == []
    assert len(shared.targets) == 7
    assert (found["add_ms"]["first"]["count"], found["add_ms"]["second"]["count"]) == (3, 3)
    assert found["screen_at_the_other_ms"]["count"] == 6
    assert pair._instances(trying.clients[0]) == {"one", "two"}


def test_each_way_not_to_enforce_is_a_failure() -> None:
    shared = _Shared()
    shared.deaf = True
    trying = trial(shared)
    trying.first()
    screened, said, name, policy = trying.failures
    assert "screened allow under 0, confirmed by 1" in screened
    assert "says what was confirmed to be forgotten" in said
    assert "its name is not found" in name
    assert "snapshot 0 is active, not 1" in policy


@pytest.mark.slow
def test_a_fact_that_nobody_says_is_passed_over() -> None:
    known = facts()
    trying = trial(_Shared())
    trying.add(0, known[0])
    assert trying.said_fact(1) == known[1]


@pytest.mark.parametrize(("failures", "code"), [([], 0), (["x"], 1)])
def test_the_exit_status_says_whether_it_held(
    failures: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def database(options: Any) -> Iterator[str]:
        assert options.postgresql
        yield "postgresql://x"

    def play(model: str, url: str, adds: int) -> dict[str, Any]:
        assert (model, url, adds) == ("demo", "postgresql://x", 3)
        return {"failures": failures}

    monkeypatch.setattr(cluster, "database", database)
    monkeypatch.setattr(pair, "play", play)
    monkeypatch.setattr(pair, "end_by_sigterm", lambda: None)
    monkeypatch.setattr("evaluation.demo.served.demo_model", lambda: "demo")
    monkeypatch.setattr(sys, "argv", ["pair", "--adds", "3", "--record", str(tmp_path / "found.json")])
    with pytest.raises(SystemExit) as ended:
        pair.main()
    assert ended.value.code == code
    assert json.loads((tmp_path / "found.json").read_text()) == {"failures": failures}
