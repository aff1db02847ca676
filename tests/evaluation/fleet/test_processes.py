from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from evaluation.fleet.processes import EngineProcess, FleetError, RouterProcess, _Process, wait_until


def test_a_process_is_killed_with_those_that_it_started(tmp_path: Path) -> None:
    process = _Process("some", tmp_path / "some", None)
    code = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    process._run([sys.executable, "-c", code])
    process.check_alive()
    wait_until(lambda: bool(process.log.read_text().strip()), 10, "it has started another one")
    other = psutil.Process(int(process.log.read_text()))
    process.kill()
    wait_until(lambda: not other.is_running() or other.status() == psutil.STATUS_ZOMBIE, 10, "both are gone")
    with pytest.raises(FleetError, match="ended by itself"):
        process.check_alive()
    process.kill()


def test_the_end_of_the_log_says_why_it_ended(tmp_path: Path) -> None:
    process = _Process("some", tmp_path / "some", 4711)
    assert process.url == "http://127.0.0.1:4711"
    process._run(["sh", "-c", "echo no memory; exit 3"])
    assert process._running is not None
    process._running.wait(10)
    with pytest.raises(FleetError, match="no memory"):
        process.check_alive()


def test_what_takes_too_long_is_an_error() -> None:
    assert wait_until(lambda: True, 1, "it is so") < 1
    with pytest.raises(FleetError, match=r"not within 0\.1 s: the sky falls"):
        wait_until(lambda: False, 0.1, "the sky falls")


def test_an_engine_runs_vllm_with_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[list[str], dict[str, str]]] = []
    real = subprocess.Popen

    def popen(command: list[str], env: dict[str, str], **others: object) -> subprocess.Popen[bytes]:
        ran.append((list(command), env))
        return real(["sleep", "60"], start_new_session=True)

    monkeypatch.setattr(subprocess, "Popen", popen)
    engine = EngineProcess("/models/demo", ("--dtype", "bfloat16"), "http://front", tmp_path / "engine")
    engine.start()
    try:
        (command, environment), *_ = ran
        assert command[1:5] == ["-m", "vllm.entrypoints.openai.api_server", "--model", "/models/demo"]
        assert "guard.processors.vllm.processor:GuardLogitsProcessor" in command
        assert environment["VLLM_PLUGINS"] == "guard"
        assert environment["GUARD_SERVER_URL"] == "http://front"
        engine.check_alive()
        assert engine._running is not None
        assert psutil.pid_exists(engine._running.pid)
        # Nothing listens.
        assert not engine.ready
        with pytest.raises(httpx.TransportError):
            engine.complete()
    finally:
        engine.kill()


def test_a_router_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(FleetError, match="pip install vllm-router"):
        RouterProcess(["http://one"], tmp_path)


def test_a_router_answers_as_soon_as_it_listens(tmp_path: Path) -> None:
    router = RouterProcess(["http://127.0.0.1:1"], tmp_path)
    router.start()
    try:
        # No engine is there, so it passes nothing on.
        assert not router.ready
    finally:
        router.kill()
