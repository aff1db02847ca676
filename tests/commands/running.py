"""Commands as processes: run to their end, or served until they are told to stop."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from evaluation.demo.served import ENGINE
from server.store.database.location import Location, default_url
from tests.commands.listed import ROOT

LIMIT_S = 420
AT_ONCE = 2
# In the environment of every process that a command starts: descendants inherit it, even those that leave the group.
MARK = "TESTS_COMMANDS_RUN"
SESSION = uuid.uuid4().hex
LISTENS = re.compile(r"guard-server listens on (http://\S+?)/v1")
_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "PYTHONUNBUFFERED": "1",
    # Tables are not cut to a narrow terminal.
    "COLUMNS": "200",
    # Several engines run at once here, and vLLM would bind the workers of all of them to the same core. Threads that wait give
    # the core away at once.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_WAIT_POLICY": "PASSIVE",
}


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it printed."""

    command: str
    status: int
    output: str

    def ok(self) -> str:
        """Return what it printed; fail with it if the command failed."""
        assert self.status == 0, f"{self.command}: status {self.status}\n{self.output[-6000:]}"
        return self.output


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment for a command that keeps its data in `data_dir`: nothing of the user's own is touched."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GUARD_", "MAKE", "MFLAGS", "PYTEST_"))}
    cache = {name: os.environ[name] for name in ("GUARD_CACHE_DIR",) if name in os.environ}
    mark = {MARK: f"{SESSION}-{data_dir}"}
    return {**kept, **cache, **_SETTINGS, **mark, "PYTHONPATH": str(ROOT), "GUARD_DATA_DIR": str(data_dir), **more}


def program(command: str) -> str:
    """Return a documented command with this environment's own programs in the place of `.venv/bin/...`, `python` and the like."""
    folder = Path(sys.executable).parent
    command = re.sub(r"^\.venv/bin/(\S+)|^(guard-server)", lambda m: shlex.quote(str(folder / (m[1] or m[2]))), command)
    return re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", command)


def run(command: str, folder: Path, settings: Mapping[str, str], limit_s: float = LIMIT_S) -> Done:
    """Run a command line in the shell, as a reader would paste it, and return how it ended; it is killed after `limit_s`."""
    with subprocess.Popen(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=dict(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            end(settings[MARK])
            output, _ = process.communicate()
            output += f"\nended after {limit_s:g} s"
    return Done(command, process.returncode, output)


def running(mark: str) -> list[psutil.Process]:
    """Return the processes that run with a mark that begins with `mark` in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(mark) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(mark: str) -> list[str]:
    """End the processes with a mark: by SIGTERM, so that they end what they started, and after 20 seconds by SIGKILL.

    Returns the command lines of those that ran.
    """
    told = [(process, _line(process)) for process in running(mark)]
    for process, _ in told:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs([process for process, _ in told], timeout=20)
    for process in running(mark):
        with contextlib.suppress(psutil.Error):
            process.kill()
    return [line for _, line in told]


def _line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return f"process {process.pid}"


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class Served:
    """A command that serves. It is started at once; `wait` returns when it listens, `stop` when it has ended."""

    def __init__(self, command: str, log_folder: Path, settings: Mapping[str, str], folder: Path = ROOT) -> None:
        self.command = command
        self._mark = settings[MARK]
        self._log = log_folder / "served.log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=folder,
                env=dict(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait(self) -> str:
        """Return the URL that it listens on; fail with what it printed if it ends or takes longer than `LIMIT_S`."""
        end = time.monotonic() + LIMIT_S
        while not (listens := LISTENS.search(self.output)):
            assert self.process.poll() is None, f"{self.command} ended: {self.output[-6000:]}"
            assert time.monotonic() < end, f"{self.command} does not listen: {self.output[-6000:]}"
            time.sleep(0.1)
        return listens[1]

    def stop(self) -> Done:
        """Send SIGTERM to the server itself, as a service manager would, and return how it ended."""
        self._server().send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            return Done(self.command, self.kill(), f"{self.output}\nkilled: it did not stop within 60 s")
        return Done(self.command, self.process.returncode, self.output)

    def kill(self) -> int:
        """Leave nothing running, whatever happened; return the status."""
        for process in running(self._mark):
            with contextlib.suppress(psutil.Error):
                process.kill()
        return self.process.wait()

    def process_arguments(self) -> list[str]:
        """Return the server's command line."""
        return self._server().cmdline()

    def left(self) -> list[str]:
        """Return what still runs of it ten seconds later; some helpers of Python's end a moment after it."""
        limit = time.monotonic() + 10
        while (found := running(self._mark)) and time.monotonic() < limit:
            time.sleep(0.1)
        return [_line(process) for process in found]

    def _server(self) -> psutil.Process:
        main = psutil.Process(self.process.pid)
        # `make` waits for what it started.
        return next((p for p in main.children(recursive=True) if "guard-server" in " ".join(p.cmdline())), main)


def registered(data_dir: Path) -> int:
    """Return the number of servers that the store in `data_dir` knows. A server that stops in good order leaves the store."""
    with contextlib.closing(sqlite3.connect(Location.of(default_url(data_dir)).path)) as store:
        count: int = store.execute("SELECT count(*) FROM peers").fetchone()[0]
        return count


def assert_clean(served: Served, done: Done, data_dir: Path) -> None:
    """Fail if a server that was told to stop did not end all it had begun."""
    told = done.output[-3000:]
    # The server ends by the signal itself, as uvicorn does when it has shut down; `make` makes 2 of that.
    assert done.status == (2 if done.command.startswith("make ") else -signal.SIGTERM), told
    assert "Application shutdown complete" in done.output, told
    assert "Traceback" not in done.output, told
    assert "guard-server stopped" not in done.output, told
    assert served.left() == []
    assert registered(data_dir) == 0


@dataclass(frozen=True)
class Job:
    """A command that takes long, and where it is typed. `serves`: it does not end by itself, and is stopped when it is ready."""

    command: str
    folder: Path
    serves: bool = False

    def run(self, own: Path) -> Done:
        """Run it to its end; what it keeps goes to the folder `own`. Raises AssertionError for a server that does not serve."""
        # The server of `make serve` calibrates, and so does the one that `make bench-targets` asks for it; the others need not.
        calibration = {} if "bench-targets" in self.command else {"GUARD_MISS_RATE": "0"}
        # What the README leaves to the reader: the demo's model needs these. Commands of the demo give them to vLLM themselves.
        given = {"GUARD_VLLM_ARGS": shlex.join(ENGINE), "GUARD_PORT": str(free_port())}
        settings = environment(own / "data", **given, **calibration)
        if not self.serves:
            return run(self.command, self.folder, settings)
        served = Served(self.command, own, settings, self.folder)
        try:
            url = served.wait()
            assert httpx.get(f"{url}/ready").status_code == 200
            assert httpx.get(f"{url}/v1/forget-targets/jane-doe").json()["status"] == "active"
            assert registered(own / "data") == 1
            done = served.stop()
            assert_clean(served, done, own / "data")
            return done
        finally:
            served.kill()


class Runs:
    """Long commands, two at a time beside the tests; each runs once, however many tests ask how it ended.

    `seconds` says how long each took.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self.seconds: dict[str, float] = {}
        self._futures: dict[Job, Future[Done]] = {}

    def begin(self, job: Job) -> Future[Done]:
        """Run a command when its turn comes."""
        if job not in self._futures:
            own = self._folder / f"run{len(self._futures)}"
            own.mkdir()
            self._futures[job] = self._pool.submit(self._timed, job, own)
        return self._futures[job]

    def done(self, job: Job) -> Done:
        """Return how a command ended, when it has."""
        return self.begin(job).result()

    def close(self) -> None:
        """Begin nothing more, and end what runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        while any(future.running() for future in self._futures.values()):
            end(f"{SESSION}-{self._folder}")
            time.sleep(0.1)

    def _timed(self, job: Job, own: Path) -> Done:
        started = time.monotonic()
        try:
            return job.run(own)
        finally:
            self.seconds[job.command] = time.monotonic() - started
