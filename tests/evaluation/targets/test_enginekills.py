from __future__ import annotations

import json
import random
import time

import httpx
import pytest

from evaluation.targets import enginekills


def test_kills_are_spread_over_storing_and_enforcing() -> None:
    made = sorted(enginekills.moments(5, random.Random(1)))
    low, high = enginekills.LEAST_S, enginekills.MOST_S
    edges = [low * (high / low) ** (at / 5) for at in range(6)]
    assert all(edges[at] <= moment <= edges[at + 1] for at, moment in enumerate(made))
    assert enginekills.moments(5, random.Random(1)) != enginekills.moments(5, random.Random(2))


class _Server:
    """A server whose policy holds `active` targets; a target of the import is there if its number is among `there`."""

    def __init__(self, active: int, there: set[str], status: int = 200) -> None:
        self.active = active
        self.there = there
        self.status = status
        self.killed_at: float | None = None
        self.imported = 0

    def client(self, timeout_s: float = 1.0) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://server", timeout=timeout_s)

    def kill(self) -> None:
        self.killed_at = time.monotonic()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/v1/forget-targets:import":
            if not self.status:
                raise httpx.ReadError("killed", request=request)
            self.imported = len(request.content.decode().splitlines())
            return httpx.Response(self.status)
        if path == "/v1/policy":
            counts = {"active": self.active, "pending": 0}
            policy = {"snapshot": 3, "serving": True, "pending": [], "peers": [], "targets": counts}
            return httpx.Response(200, json=policy)
        if path == "/v1/screen":
            text = json.loads(request.content)["text"]
            matched = [target for target in self.there if target in text]
            matches = [{"target_id": target} for target in matched]
            return httpx.Response(200, json={"verdict": "restrict" if matched else "allow", "matches": matches})
        return httpx.Response(200 if path.rpartition("/")[2] in self.there else 404)


def test_an_import_is_confirmed_by_its_answer_alone() -> None:
    targets = [{"id": "a"}, {"id": "b"}]
    for status, confirmed in ((200, True), (503, False), (0, False)):
        server = _Server(0, set(), status)
        sent = enginekills.Import(server, targets)  # type: ignore[arg-type]
        started = time.monotonic()
        sent.kill_after(0.05)
        assert sent.confirmed is confirmed
        assert server.killed_at is not None
        assert server.killed_at - started >= 0.05
        assert server.imported == (2 if status else 0)


def test_an_import_is_there_as_a_whole_or_not_at_all() -> None:
    ids = [f"t{number}" for number in range(3)]
    targets = [{"id": one, "name": one, "examples": [{"prompt": f"Who is {one}?"}]} for one in ids]
    left = enginekills._left
    assert left(_Server(5 + 3, set(ids)), targets, 5) is True  # type: ignore[arg-type]
    assert left(_Server(5, set()), targets, 5) is False  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="active"):
        left(_Server(5 + 2, set(ids[:2])), targets, 5)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="one of its targets is 404"):
        left(_Server(5 + 3, set(ids[:2])), targets, 5)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match="one of its targets is 200"):
        left(_Server(5, set(ids[:1])), targets, 5)  # type: ignore[arg-type]
