from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evaluation.targets import wholeserver
from evaluation.targets.wholeserver import ServerError, WholeServer
from tests.evaluation.targets.processes import lives

# A child in a group of its own, as a server's engine might be; both hold out against everything but SIGKILL.
_STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1:] != ["child"]:
    subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
time.sleep(600)
"""


def _instead_of_a_server(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    program = folder / "program.py"
    program.write_text(code)
    started = subprocess.Popen

    def start(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return started([sys.executable, str(program)], **options)

    monkeypatch.setattr(wholeserver.subprocess, "Popen", start)


def test_a_killed_server_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _instead_of_a_server(monkeypatch, tmp_path, _STUBBORN)
    with WholeServer("model", tmp_path / "data") as server:
        server.start()
        deadline = time.monotonic() + 30
        while len(server.processes()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        monkeypatch.undo()
        found = server.processes()
        assert len(found) == 2
    assert server.processes() == []
    assert not any(lives(process) for process in found)


_ENDED = """
import os, signal
from evaluation.targets.wholeserver import end_by_sigterm
end_by_sigterm()
try:
    os.kill(os.getpid(), signal.SIGTERM)
finally:
    print("cleaned up")
"""


def test_sigterm_lets_a_trial_clean_up() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "cleaned up\n")


def test_a_server_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _instead_of_a_server(monkeypatch, tmp_path, "print('there is no such model')")
    with WholeServer("model", tmp_path / "data") as server:
        server.start()
        with pytest.raises(ServerError, match="no such model"):
            server.wait()
