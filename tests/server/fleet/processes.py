"""A front end in a thread of this process, one real engine behind it, and the network between them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.demo.served import ServedDemo
from evaluation.fleet.processes import TOKEN, EngineProcess, wait_until
from evaluation.targets.wholeserver import free_port
from server.settings import Settings
from tests.conftest import LiveServer, in_thread


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


def settled(front: LiveServer, engine: EngineProcess, seconds: float = 240) -> None:
    """Wait until a front end serves."""
    waiting = asyncio.run_coroutine_threadsafe(front.service.settled(), front.loop)

    def done() -> bool:
        engine.check_alive()
        return waiting.done()

    wait_until(done, seconds, "the fleet serves")
    waiting.result(0)


def fleet_settings(model: str, upstream: str, folder: Path, **others: Any) -> Settings:
    """Return the settings of a front end."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    known: dict[str, Any] = {"model": "demo", "tokenizer": model, "upstream": upstream, "data_dir": folder / "data"}
    return Settings(**known, engine_token_file=folder / "token", **others)


@dataclass
class OneEngine:
    """A front end, its engine, and the network between them on which the engine asks the front end."""

    front: LiveServer
    engine: EngineProcess
    cable: Cable


@contextlib.contextmanager
def one_engine(model: str, demo: ServedDemo, folder: Path, *vllm_args: str) -> Iterator[OneEngine]:
    """Serve a demo by a front end and one `vllm serve`, and wait until it serves."""
    port = free_port()
    settings = fleet_settings(model, f"http://127.0.0.1:{port}", folder / "front", policy=demo.policy)
    with in_thread(settings) as front:
        cable = Cable(int(front.url.rsplit(":", 1)[1]))
        asked = f"http://127.0.0.1:{cable.port}"
        engine = EngineProcess(model, (*demo.engine, *vllm_args), asked, folder / "engine", port)
        engine.start()
        try:
            settled(front, engine)
            yield OneEngine(front, engine, cable)
        finally:
            engine.kill()
