"""A whole fleet: front ends on one PostgreSQL, vLLM's router, and engines behind it, each in processes of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from evaluation.demo.served import ENGINE
from evaluation.fleet.processes import TOKEN, EngineProcess, RouterProcess, answers, wait_until
from evaluation.targets.cluster import Cluster, running
from evaluation.targets.wholeserver import WholeServer, free_port

READY_S = 400.0
"""Seconds to wait for engines, which start at the same time and share the cores."""


def front_end(model: str, upstream: str, folder: Path, database: str | None, **settings: str) -> WholeServer:
    """Return a front end that does not run yet.

    Args:
        model: Folder of the model, for its tokenizer.
        upstream: Base URL of the router, or of an engine.
        folder: Its data.
        database: The store's URL; None for SQLite in its data folder.
        settings: More of its environment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "token").write_text(TOKEN)
    fleet = {"GUARD_UPSTREAM": upstream, "GUARD_TOKENIZER": model, "GUARD_ENGINE_TOKEN_FILE": str(folder / "token")}
    # It runs no model, so it takes no arguments for one.
    return WholeServer("demo", folder, database, (), {**fleet, "GUARD_VLLM_ARGS": "", "GUARD_MULTILINGUAL": "0", **settings})


class WholeFleet:
    """Two front ends, a router and engines. A context manager that kills all processes at the end.

    Attributes:
        cluster: The PostgreSQL server with the store.
        fronts: The front ends. Each engine asks one of them.
        engines: The engines.
        router: The router.
    """

    def __init__(
        self, model: str, folder: Path, engines: int = 2, arguments: Sequence[str] = ENGINE, policy: Path | None = None
    ) -> None:
        """Prepare a fleet whose front ends begin with a policy file. Raises ClusterError, FleetError."""
        self._stack = ExitStack()
        try:
            self.cluster: Cluster = self._stack.enter_context(running(durable=False))
            self._database = self.cluster.create_database()
            self._model, self._folder, self._arguments = model, folder, arguments
            self.engines: list[EngineProcess] = []
            self.fronts: list[WholeServer] = []
            # The front ends know the router's address, the router the engines', and the engines the front ends'.
            ports = [free_port() for _ in range(engines)]
            self.router = RouterProcess([f"http://127.0.0.1:{port}" for port in ports], folder / "router")
            self._stack.callback(self.router.kill)
            for name in ("one", "two"):
                first = {"GUARD_POLICY": str(policy)} if policy and name == "one" else {}
                self.fronts.append(
                    self._stack.enter_context(front_end(model, self.router.url, folder / name, self._database, **first))
                )
            for at, port in enumerate(ports):
                self.add_engine(port, at)
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> WholeFleet:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add_engine(self, port: int | None = None, at: int | None = None) -> EngineProcess:
        """Add an engine, which does not run yet. A router that runs already does not know it."""
        number = len(self.engines) if at is None else at
        asks = self.fronts[number % len(self.fronts)].url
        engine = EngineProcess(self._model, self._arguments, asks, self._folder / f"engine-{number}", port)
        self._stack.callback(engine.kill)
        self.engines.append(engine)
        return engine

    def start(self) -> None:
        """Start all processes, and wait until everything serves. Raises FleetError, ServerError."""
        self.router.start()
        # One after the other: the first one makes the tables, and reads the policy.
        for front in self.fronts:
            front.start()
            wait_until(lambda front=front: _listens(front), READY_S, "a front end listens")  # type: ignore[misc]
        for engine in self.engines:
            engine.start()
        self.settle()

    def settle(self) -> None:
        """Wait until every process that is to run serves. Raises FleetError, ServerError."""
        for engine in self.engines:
            wait_until(lambda engine=engine: engine.ready, READY_S, "an engine serves")  # type: ignore[misc]
        wait_until(lambda: self.router.ready, 30, "the router passes requests on")
        for front in self.fronts:
            front.wait()
        # The router asks each engine once a second whether it is there.
        wait_until(lambda: all(self.served()), 30, "the router knows all engines")

    def served(self) -> list[bool]:
        """Return for each engine whether the router gives it requests: two in a row go to two engines."""
        counts = [_generated(engine) for engine in self.engines]
        body = {"model": "demo", "prompt": "The", "max_tokens": 1, "vllm_xargs": {"guard": []}}
        for _ in self.engines:
            httpx.post(f"{self.router.url}/v1/completions", json=body, timeout=60)
        return [_generated(engine) > before for engine, before in zip(self.engines, counts, strict=True)]


def ask(url: str, question: str, **others: Any) -> httpx.Response:
    """Ask a front end a question. Raises httpx.HTTPError if there is no answer."""
    body = {"model": "demo", "messages": [{"role": "user", "content": question}], "max_tokens": 60, "temperature": 0, **others}
    return httpx.post(f"{url}/v1/chat/completions", json=body, timeout=120)


def said(answer: httpx.Response) -> str:
    """Return the text of an answer. Raises httpx.HTTPStatusError if it is an error."""
    return answer.raise_for_status().json()["choices"][0]["message"]["content"] or ""


def _listens(front: WholeServer) -> bool:
    front.check_alive()
    return answers(f"{front.url}/health")


def _generated(engine: EngineProcess) -> float:
    lines = httpx.get(f"{engine.url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("vllm:generation_tokens_total"))
