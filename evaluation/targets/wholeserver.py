"""`guard-server serve` with the demo model in processes of its own, which a trial can kill as a machine's failure would."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

from evaluation.demo.served import ENGINE

START_S = 600.0
"""Seconds to wait for a start: an engine needs half a minute on idle cores, and more beside others."""
_TARGETS_AT_ONCE = 250
# In the environment of a server's processes and of no others: descendants inherit it, even those that leave the group.
_MARK = "EVALUATION_SERVER"
# Shorter than the server keeps a connection: a request fails on a connection that the server is just closing.
_LIMITS = httpx.Limits(keepalive_expiry=2.0)
# That of `make serve`: little memory for the engine, and no request to a hub.
_ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


class ServerError(RuntimeError):
    """The server did not start, or one of its processes did not end."""


def end_by_sigterm() -> None:
    """Have SIGTERM end this process by an exception; without that, the servers that it started would go on."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


class WholeServer:
    """The server and its engine on a data folder, on a port of the loopback address that is the same after each start.

    It is a context manager that kills all its processes at the end.

    Args:
        model: folder of the model.
        data_dir: the server's data; made if it is missing.
        database: the store's URL; None for SQLite in the data folder.
        engine: vLLM's arguments.
        settings: more of the environment.
    """

    def __init__(
        self,
        model: str,
        data_dir: Path,
        database: str | None = None,
        engine: Sequence[str] = ENGINE,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._engine = engine
        self._data_dir = data_dir
        self._environment = {**_ENVIRONMENT, **os.environ, **({"GUARD_DATABASE": database} if database else {})}
        # Without the promise of a miss rate there is no calibration, which would compute beside what the trial measures.
        self._environment |= {_MARK: uuid.uuid4().hex, "GUARD_MISS_RATE": "0"}
        self._environment |= settings or {}
        # Two vLLMs would bind their workers to the same core, and each would wait there for the other's busy waiting.
        self._environment.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        self._log: IO[bytes] | None = None
        self._main: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> WholeServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def client(self, timeout_s: float = 120.0) -> httpx.Client:
        """Return a client of this server."""
        return httpx.Client(base_url=self.url, timeout=timeout_s, limits=_LIMITS)

    def start(self) -> None:
        """Start it, and return at once. Its output goes to `server.log` beside its data."""
        assert self._main is None
        port = self.url.rpartition(":")[2]
        command = [str(Path(sys.executable).with_name("guard-server")), "serve", "--model", self._model, "--port", port]
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._log = (self._data_dir / "server.log").open("ab")
        self._main = subprocess.Popen(
            [*command, "--data-dir", str(self._data_dir), "--", *self._engine],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # In a group of its own, so that one signal kills all of it.
            start_new_session=True,
        )

    def wait(self) -> float:
        """Wait until it serves; return the seconds. Raises ServerError, with the end of its log, if it does not."""
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
        """Raise ServerError, with the end of its log, if its main process does not run."""
        if self._main is None or self._main.poll() is not None:
            raise ServerError(f"the server ended by itself:\n{self._told()}")

    def kill(self) -> None:
        """Kill all its processes by SIGKILL, and return when none is left. Does nothing if it does not run.

        Raises:
            ServerError: a process is left after 30 seconds.
        """
        if self._main is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._main.pid, signal.SIGKILL)
        self._main.wait()
        deadline = time.monotonic() + 30
        # The signal may have missed a process that was just being made, or one that has left the group.
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
        """Return its processes that run.

        vLLM's processes give themselves titles, which overwrite their environment: they are found as children of the others.
        """
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == self._environment[_MARK]:
                    found |= {one.pid: one for one in (process, *process.children(recursive=True))}
        return [process for process in found.values() if _alive(process)]

    def audit_verify(self) -> bool:
        """Whether `guard-server audit verify` finds nothing wrong with its log."""
        command = [str(Path(sys.executable).with_name("guard-server")), "audit", "verify", "--data-dir", str(self._data_dir)]
        environment = {name: value for name, value in self._environment.items() if name != _MARK}
        return subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0

    def output(self) -> str:
        """Return what it has written to its standard output and error, over all starts."""
        return (self._data_dir / "server.log").read_text(errors="replace")

    def _told(self) -> str:
        return self.output()[-4000:]


def import_targets(client: httpx.Client, targets: Iterable[Mapping[str, Any]]) -> None:
    """Import targets, some at a time, because a body has a limit.

    Raises:
        httpx.HTTPError: The server refused some, or did not answer.
    """
    lines = [json.dumps(target) for target in targets]
    for start in range(0, len(lines), _TARGETS_AT_ONCE):
        part = "\n".join(lines[start : start + _TARGETS_AT_ONCE])
        headers = {"content-type": "application/jsonl"}
        client.post("/v1/forget-targets:import", content=part, headers=headers).raise_for_status()


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def free_port() -> int:
    """Return a free port of the loopback address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
