"""The trial of admins and clients at once, against an application that keeps versions and snapshots in memory."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evaluation.targets import concurrency, measure


class _Policy:
    """Targets with versions. `stale` completions are decided under the first snapshot; `forgetful` writes are lost."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.snapshot = 0
        self.stale = self.forgetful = False
        self.enforcement = SimpleNamespace(admitted=self._admitted)
        self.app = Starlette(
            routes=[
                Route("/v1/forget-targets/{id}", self._get, methods=["GET"]),
                Route("/v1/forget-targets/{id}", self._patch, methods=["PATCH"]),
                Route("/v1/forget-targets", self._post, methods=["POST"]),
                Route("/v1/completions", self._complete, methods=["POST"]),
            ]
        )
        self.app.state.service = SimpleNamespace(_running=SimpleNamespace(enforcement=self.enforcement))

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[Any]:
        yield SimpleNamespace(snapshot=SimpleNamespace(number=0 if self.stale else self.snapshot))

    async def _get(self, request: Request) -> Response:
        version = self.versions.get(request.path_params["id"])
        if version is None:
            return JSONResponse({}, 404)
        return JSONResponse({"version": version}, headers={"etag": f'"{version}"'})

    async def _post(self, request: Request) -> Response:
        target = (await request.json())["id"]
        if target in self.versions:
            return JSONResponse({}, 409)
        return self._written(target, 1, 201)

    async def _patch(self, request: Request) -> Response:
        target = request.path_params["id"]
        if request.headers["if-match"] != f'"{self.versions[target]}"':
            return JSONResponse({}, 412)
        return self._written(target, self.versions[target] + 1, 200)

    def _written(self, target: str, version: int, status: int) -> Response:
        if not (self.forgetful and version > 1):
            self.versions[target] = version
        self.snapshot += 1
        return JSONResponse({"snapshot": self.snapshot}, status)

    async def _complete(self, _: Request) -> Response:
        async with self.enforcement.admitted():
            await asyncio.sleep(0.005)  # else one client alone would keep the loop
            return JSONResponse({})


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> _Policy:
    made = _Policy()
    monkeypatch.setattr(concurrency, "WRITES", 2 * concurrency.ADMINS)
    # Few enough for many rounds in half a second of a busy machine.
    monkeypatch.setattr(concurrency, "CLIENTS", 4)
    return made


async def play(policy: _Policy, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    watch = concurrency.Watch(policy.app)
    client = functools.partial(httpx.AsyncClient, transport=httpx.ASGITransport(watch))
    monkeypatch.setattr(concurrency.httpx, "AsyncClient", client)
    return await concurrency.run("http://server", watch, 0.5)


@pytest.mark.slow
async def test_nothing_is_lost_or_older(policy: _Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await play(policy, monkeypatch)
    statuses = found["statuses"]
    assert statuses["write 201"] == len(policy.versions)
    assert statuses["write 201"] + statuses["write 200"] == sum(policy.versions.values()) == 2 * concurrency.ADMINS
    assert found["confirmed"] == policy.snapshot
    assert found["decided"] == statuses["generate 200"] == found["generate_ms"]["count"] > 0
    assert found["write_ms"]["count"] == 2 * concurrency.ADMINS
    assert (found["older"], found["lost_updates"]) == (0, 0)


@pytest.mark.slow
async def test_an_answer_under_an_older_snapshot_is_seen(policy: _Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    policy.stale = True
    assert (await play(policy, monkeypatch))["older"] > 0


@pytest.mark.slow
async def test_a_lost_update_is_seen(policy: _Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    policy.forgetful = True
    found = await play(policy, monkeypatch)
    # Of each target's writes, the first alone is kept.
    assert found["lost_updates"] == 2 * concurrency.ADMINS - len(policy.versions) > 0


@pytest.mark.parametrize(
    ("older", "lost", "status", "code"),
    [
        (0, 0, "generate 200", 0),
        (1, 0, "generate 200", 1),
        (0, 1, "generate 200", 1),
        (0, 0, "generate 500", 1),
        (0, 0, "write 412", 0),
    ],
)
def test_the_exit_status_says_whether_it_held(
    older: int, lost: int, status: str, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def run(url: str, watch: concurrency.Watch, seconds: float) -> dict[str, Any]:
        assert (url, seconds) == ("http://server", 30.0)
        return {"older": older, "lost_updates": lost, "statuses": {status: 3}}

    @contextmanager
    def served(model: str, folder: Path, database: str | None, wrapped: Any) -> Iterator[Any]:
        wrapped(object())
        yield "http://server", {}

    def made(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0, "/models/demo\n")

    monkeypatch.setattr(concurrency, "run", run)
    monkeypatch.setattr(measure, "served", served)
    monkeypatch.setattr(subprocess, "run", made)
    monkeypatch.setattr("server.environment.share_processor", lambda: None)
    monkeypatch.setattr("evaluation.targets.wholeserver.end_by_sigterm", lambda: None)
    monkeypatch.setattr(sys, "argv", ["concurrency", "--minutes", "0.5", "--record", str(tmp_path / "found.json")])
    with pytest.raises(SystemExit) as ended:
        concurrency.main()
    assert ended.value.code == code
    assert json.loads((tmp_path / "found.json").read_text())["store"] == "sqlite"
