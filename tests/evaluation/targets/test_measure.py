"""A measurement of policy changes against an application that only counts targets."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from classifiers import ForgetTarget
from evaluation.targets import measure


def test_invented_targets_are_valid_and_all_different() -> None:
    made = [ForgetTarget.model_validate(target) for target in measure.invented(30)]
    assert len({target.id for target in made}) == 30
    phrases = [phrase.text for target in made for phrase in target.phrases]
    assert len(set(phrases)) == len(phrases) == 30 * (measure.PHRASES - 1)
    assert [phrase.scope for phrase in made[0].phrases] == ["always"] * 5 + ["gated"] * 4
    assert all(made[0].name in example.prompt for example in made[0].examples)
    assert list(measure.invented(2)) == list(measure.invented(2))
    assert {target["id"] for target in measure.invented(2, seed=1)}.isdisjoint(target.id for target in made)


class _Counting:
    """An application that takes imports, adds, changes and deletes, and says at the second question that all is calibrated."""

    def __init__(self) -> None:
        self.targets: set[str] = set()
        self.changed: list[str] = []
        self.asked = 0
        self.app = Starlette(
            routes=[
                Route("/v1/forget-targets:import", self._import, methods=["POST"]),
                Route("/v1/forget-targets", self._add, methods=["POST"]),
                Route("/v1/forget-targets/{id}", self._delete, methods=["DELETE"]),
                Route("/v1/forget-targets/{id}", self._change, methods=["PATCH"]),
                Route("/v1/forget-targets/{id}/report", self._report),
            ]
        )
        self.app.state.service = SimpleNamespace(_running=object(), failure=None, seconds={"engine": 0.25})

    async def _import(self, request: Request) -> JSONResponse:
        self.targets |= {json.loads(line)["id"] for line in (await request.body()).decode().splitlines()}
        return JSONResponse({})

    async def _add(self, request: Request) -> JSONResponse:
        self.targets.add((await request.json())["id"])
        return JSONResponse({}, 201)

    async def _delete(self, request: Request) -> JSONResponse:
        self.targets.remove(request.path_params["id"])
        return JSONResponse({})

    async def _change(self, request: Request) -> JSONResponse:
        assert await request.json()
        self.changed.append(request.path_params["id"])
        return JSONResponse({})

    async def _report(self, request: Request) -> JSONResponse:
        self.asked += 1
        return JSONResponse({"calibration": {"calibrated": self.asked > 1}})


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> _Counting:
    made = _Counting()
    monkeypatch.setattr("server.app.create_app", lambda settings: made.app)
    return made


@pytest.mark.slow
def test_a_server_runs_until_the_block_is_left(counting: _Counting, tmp_path: Path) -> None:
    seen: list[str] = []

    def wrapped(app: Any) -> Any:
        async def watched(scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])
            await app(scope, receive, send)

        return watched

    with measure.served("model", tmp_path, None, wrapped) as (url, seconds):
        assert httpx.get(f"{url}/v1/forget-targets/a/report").json() == {"calibration": {"calibrated": False}}
        assert seconds["engine"] == 0.25
        assert seconds["all"] > 0
    assert "http" in seen
    with socket.socket() as free:
        assert free.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) != 0


def test_what_kept_a_server_from_starting_is_raised(counting: _Counting, tmp_path: Path) -> None:
    counting.app.state.service.failure = ValueError("no such model")
    with pytest.raises(ValueError, match="no such model"), measure.served("model", tmp_path, None):
        pass


@pytest.mark.slow
def test_every_change_is_timed(counting: _Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    served: Callable[..., Any] = measure.served
    starts: list[Path] = []

    @contextmanager
    def kept(model: str, data_dir: Path, database: str | None) -> Iterator[Any]:
        starts.append(data_dir)
        (data_dir / "one.safetensors").write_bytes(b"x" * 1000)
        with served(model, data_dir, database) as found:
            yield found

    monkeypatch.setattr(measure, "served", kept)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    found = measure.measure("model", "postgresql://x", 12)
    assert (found["targets"], found["phrases"], found["store"]) == (12, 120, "postgresql")
    assert (found["files"], found["megabytes_on_disk"]) == (1, 0.001)
    assert len(counting.targets) == 12 + measure.ADDED - measure.CHANGED
    assert "person-0-00007" not in counting.targets
    assert counting.changed == [f"person-0-0000{number}" for number in (0, 2, 4, 6)]
    assert found["add_ms"]["count"] == measure.ADDED
    assert 0 < found["add_ms"]["p50"] <= found["add_ms"]["p99"] <= found["add_ms"]["max"]
    assert [found[name]["count"] for name in ("delete_ms", "change_ms")] == [measure.CHANGED] * 2
    assert all(found[name] > 0 for name in ("import_s", "calibration_s", "resident_mb"))
    assert starts[0] == starts[1]
    assert found["restart_s"] == pytest.approx(found["restart"]["all"] - 0.25)
