"""What all tests share: one real engine behind one real server for the session, started when the first test asks for it."""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis
import pytest

if TYPE_CHECKING:
    from evaluation.demo.served import ServedDemo
    from server.settings import Settings

T = TypeVar("T")

# `make check`: few examples for each property; `make test` takes hypothesis' own hundred.
hypothesis.settings.register_profile("check", max_examples=10, deadline=None)

# Before anything imports them: tests are about what is installed here.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
# The second encoder takes seconds and 800 MB in each server; the tests that need it switch it on.
os.environ.setdefault("GUARD_MULTILINGUAL", "0")
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files, and all that need the engine to one process: they share one engine."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return _scope(config.rootpath, nodeid.partition("::")[0])

    return ByFile(config, log)


@functools.cache
def _scope(root: Path, file: str) -> str:
    return "engine" if "mark.engine" in (root / file).read_text("utf-8") else file


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Compute on one thread: a small model is slower on many, and much slower where they have to share a core."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with the schema and nothing in it, to copy: a migration takes 0.2 s, and hundreds of tests need a store."""
    from server.store.database.location import Location
    from server.store.database.migrate import migrate

    path = tmp_path_factory.mktemp("store") / "empty.db"
    # In a thread: a migration runs an event loop of its own.
    thread = threading.Thread(target=migrate, args=(Location.of(f"sqlite:///{path}"),))
    thread.start()
    thread.join()
    return path


def copied(template: Path, to: Path) -> Path:
    """Copy an empty store to `to`, for its owner alone, as the server makes it."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copyfile(template, to)
    to.chmod(0o600)
    return to


@dataclass
class LiveServer:
    """The demo server in a thread of this process: reached over HTTP like any server, and its engine from the inside."""

    url: str
    service: Any
    loop: asyncio.AbstractEventLoop

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's own event loop."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result(timeout=300)

    def engine(self, path: str, *bodies: dict[str, Any], at_once: int = 16) -> list[Any]:
        """Post to the engine's application itself, past the front end; return the responses."""
        from server.engine.protocol import request

        async def post() -> list[Any]:
            slots = asyncio.Semaphore(at_once)

            async def one(body: dict[str, Any]) -> Any:
                async with slots:
                    return await request(self.service.running.engine.app, "POST", path, body)

            return await asyncio.gather(*(one(body) for body in bodies))

        return self.run(post())


@pytest.fixture(scope="session")
def demo_model() -> str:
    """The folder of the demo model, trained on first use and cached."""
    made = subprocess.run([sys.executable, "-m", "evaluation.tinylm"], check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.splitlines()[-1]


@pytest.fixture(scope="session")
def real_model() -> str:
    """The folder of SmolLM2-135M-Instruct, downloaded and converted on first use and cached."""
    made = subprocess.run([sys.executable, "-m", "evaluation.smollm"], check=False, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the real model cannot be made: {made.stderr.strip()[-600:]}")
    return made.stdout.splitlines()[-1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fleet", action="store_true", help="serve the demo by a front end and a `vllm serve` with the plugin")


@pytest.fixture(scope="session")
def live(demo_model: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LiveServer]:
    """The demo server on the real engine."""
    from evaluation.demo.served import DEMOS

    # Few blocks of cache, so that a crowd of long answers has to be preempted; and prompts of more than 512 tokens are read in
    # parts.
    small = ("--num-gpu-blocks-override", "48", "--max-num-batched-tokens", "512")
    if request.config.getoption("--fleet"):
        from tests.server.fleet.processes import one_engine

        with one_engine(demo_model, DEMOS["people"], tmp_path_factory.mktemp("fleet"), *small) as fleet:
            yield fleet.front
        return
    with serving(demo_model, DEMOS["people"], tmp_path_factory.mktemp("data"), *small) as server:
        yield server


@contextmanager
def in_thread(settings: Settings) -> Iterator[LiveServer]:
    """Serve in a thread of this process. The server listens, and may not have settled yet."""
    import uvicorn

    from server.app import create_app

    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="server", daemon=True)
    thread.start()
    try:
        while not loops or not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield LiveServer(f"http://127.0.0.1:{port}", app.state.service, loops[0])
    finally:
        server.should_exit = True
        thread.join(60)


@contextmanager
def serving(model: str, demo: ServedDemo, data_dir: Path, *vllm_args: str) -> Iterator[LiveServer]:
    """Serve a demo in a thread of this process, on the real engine."""
    from server.settings import Settings

    settings = Settings(model=model, policy=demo.policy, data_dir=data_dir, vllm_args=(*demo.engine, *vllm_args))
    with in_thread(settings) as live:
        asyncio.run_coroutine_threadsafe(live.service.settled(), live.loop).result(timeout=240)
        yield live
