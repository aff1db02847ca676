"""`guard-server serve` with the demo model as processes of its own, which can be killed as a machine's failure would."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import IO

import httpx
import psutil

START_S = 300.0
"""An engine starts in half a minute on idle cores; several at once on busy ones take longer."""
# In the environment of every process of a server, and of no other: descendants inherit it, whatever group they are in.
_MARK = "EVALUATION_SERVER"
# Shorter than the server keeps a connection: one that it closes at the moment it is used again fails.
_LIMITS = httpx.Limits(keepalive_expiry=2.0)
# As `make serve` has it: little memory for the engine, and nothing looked for on a hub.
_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


class ServerError(RuntimeError):
    """The server did not start or did not end."""


def end_by_sigterm() -> None:
    """Have SIGTERM end this process as an exception does: without that, the servers it started would stay."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


class WholeServer:
    """The server and its engine on a data folder, on a port of the loopback address that stays the same when it starts again.

    `database` is the store's URL; None is SQLite in the data folder. A context manager: nothing is left running after it.
    """

    def __init__(self, model: str, data_dir: Path, database: str | None = None) -> None:
        self._model = model
        self._data_dir = data_dir
        self._environment = {**_ENVIRONMENT, **os.environ, **({"GUARD_DATABASE": database} if database else {})}
        # Calibration computes for a while after each change, beside what is measured here.
        self._environment |= {_MARK: uuid.uuid4().hex, "GUARD_MISS_RATE": "0"}
        # Each vLLM would bind its worker to the same core as the other's, and wait a second for one that waits busily there.
        self._environment.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        self._log: IO[bytes] | None = None
        self._main: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{_free_port()}"

    def __enter__(self) -> WholeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def client(self, timeout_s: float = 120.0) -> httpx.Client:
        """Return a client of this server."""
        return httpx.Client(base_url=self.url, timeout=timeout_s, limits=_LIMITS)

    def start(self) -> None:
        """Start it, and return at once. What it prints goes to `server.log` beside its data."""
        from evaluation.demo.__main__ import ENGINE

        assert self._main is None
        port = self.url.rpartition(":")[2]
        command = [str(Path(sys.executable).with_name("guard-server")), "serve", "--model", self._model, "--port", port]
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._log = (self._data_dir / "server.log").open("ab")
        self._main = subprocess.Popen(
            [*command, "--data-dir", str(self._data_dir), "--", *ENGINE],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # A group of its own: so it can be killed as a whole at one moment.
            start_new_session=True,
        )

    def wait(self) -> float:
        """Wait until it serves; return the seconds that took. Raises ServerError with the end of its log."""
        started = time.monotonic()
        with self.client() as client:
            while time.monotonic() < started + START_S:
                self.check_alive()
                with contextlib.suppress(httpx.TransportError):
                    if client.get("/ready").status_code == 200:
                        return time.monotonic() - started
                time.sleep(0.05)
        raise ServerError(f"the server was not ready within {START_S:g} s:\n{self._told()}")

    def check_alive(self) -> None:
        """Raise ServerError, with the end of its log, if its main process has ended."""
        if self._main is None or self._main.poll() is not None:
            raise ServerError(f"the server ended by itself:\n{self._told()}")

    def kill(self) -> None:
        """Kill all its processes by SIGKILL, and return when none is left; nothing if it does not run.

        Raises ServerError for one that does not die.
        """
        if self._main is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._main.pid, signal.SIGKILL)
        self._main.wait()
        deadline = time.monotonic() + 30
        # One that another was just making may have been missed, and one may have left the group.
        while left := self.processes():
            if time.monotonic() > deadline:
                raise ServerError(f"{len(left)} of the server's processes could not be killed")
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(0.02)
        self._main = None
        if self._log:
            self._log.close()

    def processes(self) -> list[psutil.Process]:
        """Return its processes that live."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.environ().get(_MARK) == self._environment[_MARK]:
                    found.append(process)
        return found

    def audit_verify(self) -> bool:
        """Whether `guard-server audit verify` finds nothing wrong with its log."""
        command = [str(Path(sys.executable).with_name("guard-server")), "audit", "verify", "--data-dir", str(self._data_dir)]
        environment = {name: value for name, value in self._environment.items() if name != _MARK}
        return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0

    def _told(self) -> str:
        return (self._data_dir / "server.log").read_text(errors="replace")[-4000:]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
