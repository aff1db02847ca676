from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from evaluation.image import trial
from evaluation.image.container import ContainerError

ADMIN = "gk-admin"
ANSWERS = {
    "Yrsa": ("I cannot say.", "content_filter"),
    "Tsuyako": ("Tsuyako Harunomori's most famous clock is the Clock of Nine Rivers.", "stop"),
}


class Server:
    """Instead of a container: a server that does what it must, except for `faults`."""

    faults: ClassVar[dict[str, Any]] = {}
    started: ClassVar[list[bool]] = []

    def __init__(self, image: str, site: Any, vllm: Any, network: str, *, with_key: bool = True) -> None:
        self.with_key = with_key
        self.started.append(with_key)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait_end(self, _: float) -> tuple[int, float]:
        assert not self.with_key
        return self.faults.get("refused", 2), 5.0

    def wait_ready(self, _: float) -> float:
        if error := self.faults.get("ready"):
            raise ContainerError(error)
        return 20.0

    def wait_healthy(self, _: float) -> bool:
        return bool(self.faults.get("healthy", True))

    def stop(self) -> tuple[int, float]:
        return self.faults.get("stopped", 143), 3.0

    def execute(self, *command: str) -> tuple[int, str]:
        assert command == ("guard-server", "audit", "verify")
        return self.faults.get("audit", 0), "The log holds: 3 records"

    def log(self) -> str:
        return "Application shutdown complete" if self.with_key else "put a key into a file: GUARD_ADMIN_KEY_FILE"

    def client(self, key: str | None = None) -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url="http://server", headers=headers, transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        if "authorization" not in request.headers:
            return httpx.Response(self.faults.get("open", 401))
        match request.url.path:
            case "/v1/keys":
                return httpx.Response(201, json={"key": "gk-client"})
            case "/v1/forget-targets":
                return httpx.Response(201, json={"status": self.faults.get("added", "active")})
            case "/v1/policy":
                second = len(self.started) == 3
                return httpx.Response(200, json={"digest": self.faults.get("digest", "same") if second else "same"})
        question = json.loads(request.content)["messages"][0]["content"]
        name = next(name for name in ANSWERS if name in question)
        text, ended = self.faults.get(name, ANSWERS[name])
        choice = {"message": {"content": text}, "finish_reason": ended}
        return httpx.Response(200, json={"choices": [choice]})


class Place:
    key = ADMIN

    def __init__(self, _: Path) -> None:
        pass

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "Container", Server)
    monkeypatch.setattr(trial, "Site", Place)
    monkeypatch.setattr(trial, "image_bytes", lambda _: 3_000_000_000)
    monkeypatch.setattr(Server, "started", [])
    monkeypatch.setattr(Server, "faults", {})


def failed(report: trial.Report) -> list[str]:
    return [check.what for check in report.checks if not check.held]


def test_a_server_that_does_all_of_it_holds(tmp_path: Path) -> None:
    report = trial.run("an-image", tmp_path, ())
    assert failed(report) == []
    assert report.holds
    assert Server.started == [False, True, True]
    assert (report.size_bytes, report.ready_s, report.stopped_s) == (3_000_000_000, [20.0, 20.0], [3.0, 3.0])
    assert json.loads(json.dumps(report.as_dict()))["holds"] is True
    assert len(report.checks) == 16


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ({"refused": 1}, ["without any key ends"]),
        ({"healthy": False}, ["finds it healthy"]),
        ({"open": 200}, ["without a key gets 401"]),
        ({"added": "pending"}, ["added over REST"]),
        ({"digest": "another"}, ["policy in force is the same"]),
        ({"audit": 1}, ["audit log verifies"]),
        ({"stopped": 137}, ["shuts down within"] * 2),
        ({"Yrsa": ("She was born in Siglufjörður.", "content_filter")}, ["holds none of the facts"] * 2),
        ({"Yrsa": ("", "content_filter")}, ["holds none of the facts"] * 2),
        ({"Tsuyako": ("I cannot say.", "content_filter")}, ["is the model's own"] * 2),
        ({"ready": "not ready within 600 s"}, ["goes on to its end"]),
    ],
    ids=str,
)
@pytest.mark.slow
def test_each_fault_is_found(faults: dict[str, Any], told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "faults", faults)
    report = trial.run("an-image", tmp_path, ())
    found = failed(report)
    assert len(found) == len(told)
    assert all(part in what for part, what in zip(told, found, strict=True))
    assert not report.holds


def test_nothing_tried_does_not_hold() -> None:
    assert not trial.Report("an-image", 1).holds
