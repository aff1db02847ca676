"""How much longer a client's short request waits while another client sends its largest prompts without pause.

Run it with `python -m evaluation.load.neighbour`. It starts the demo server in processes of its own. Two clients have a key each.
One asks short questions, one at a time: some while the server is idle, then some while the other sends its prompts over several
connections, and so on in turn. What a request under load takes is compared with the median of the idle ones just before it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from evaluation.cache import default_cache_dir
from evaluation.demo.served import DEMOS
from evaluation.load.prompts import LARGEST, encoded, route, short
from evaluation.targets.wholeserver import WholeServer, end_by_sigterm

# How many different prompts of each kind are made before the measurement: to make one takes longer than to refuse it.
_MADE = 12
# Seconds after which the client with large prompts looks again whether it should send; and how long it sends before others ask.
_LOOK_S, _BEFORE_S = 0.02, 0.5


@dataclass
class Waits:
    """What requests of one kind took, in seconds: idle, and under load; and how much more than idle each under load took."""

    idle: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    more: list[float] = field(default_factory=list)

    def add(self, idle: Sequence[float], loaded: Sequence[float]) -> None:
        """Add a round."""
        usual = statistics.median(idle)
        self.idle += idle
        self.loaded += loaded
        self.more += [seconds - usual for seconds in loaded]

    def figures(self) -> dict[str, float]:
        """Return medians and 99th percentiles: milliseconds idle, under load and more than idle, and the ratios."""
        found: dict[str, float] = {}
        for name, share in (("median", 50), ("p99", 99)):
            idle, loaded, more = (float(np.percentile(times, share)) * 1000 for times in (self.idle, self.loaded, self.more))
            found |= {f"idle_{name}": idle, f"loaded_{name}": loaded, f"more_{name}": more, f"ratio_{name}": loaded / idle}
        return found


def _send(url: str, key: str, bodies: Sequence[tuple[str, bytes]], at_once: int, counts: Any, go: Any, end: Any) -> None:
    """Send bodies without pause over `at_once` connections while `go` is set, until `end` is. Runs in a process of its own.

    When `go` is cleared, it closes the connections: the server should end what it does for them.
    """
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    turns = itertools.cycle(bodies)

    async def send() -> None:
        async with httpx.AsyncClient(base_url=url, timeout=600, headers=headers) as client:
            while True:
                path, body = next(turns)
                response = await client.post(path, content=body)
                counts[0 if response.status_code == 200 else 1] += 1

    async def work() -> None:
        while not end.is_set():
            if not go.is_set():
                await asyncio.sleep(_LOOK_S)
                continue
            tasks = [asyncio.create_task(send()) for _ in range(at_once)]
            while go.is_set() and not end.is_set():  # noqa: ASYNC110 - the event is another process's
                await asyncio.sleep(_LOOK_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(work())


@contextmanager
def sender(url: str, key: str, bodies: Sequence[tuple[str, bytes]], at_once: int) -> Iterator[tuple[Any, Any]]:
    """Yield the event that makes a process send, and the numbers of its answers: with status 200, and with any other."""
    spawn = multiprocessing.get_context("spawn")
    counts, go, end = spawn.Array("i", 2), spawn.Event(), spawn.Event()
    process = spawn.Process(target=_send, args=(url, key, list(bodies), at_once, counts, go, end), daemon=True)
    process.start()
    try:
        yield go, counts
    finally:
        end.set()
        process.join(60)
        process.kill()


def _timed(client: httpx.Client, rng: random.Random, route_: str, count: int) -> list[float]:
    """Return what each of `count` short requests took, one after the other."""
    times = []
    for _ in range(count):
        body = short(rng)
        if route_ == "/v1/moderations":
            body = {"input": body["messages"][0]["content"]}
        started = time.perf_counter()
        response = client.post(route_, json=body)
        times.append(time.perf_counter() - started)
        response.raise_for_status()
    return times


def measure(
    url: str, keys: Mapping[str, str], context: int, kinds: Sequence[str], *, rounds: int, requests: int, at_once: int
) -> dict[str, dict[str, Any]]:
    """Return for each kind of large prompt, and each of two routes for short ones, the `figures`.

    Args:
        url: The server.
        keys: The keys of the `light` and of the `heavy` client.
        context: The model's context in tokens.
        kinds: Names in `LARGEST`.
        rounds: How often idle and load take turns.
        requests: Short requests in each part of a round.
        at_once: Connections of the heavy client.
    """
    rng = random.Random(0)  # noqa: S311
    found: dict[str, dict[str, Any]] = {}
    light = httpx.Client(base_url=url, timeout=600, headers={"authorization": f"Bearer {keys['light']}"})
    with light:
        for path in ("/v1/chat/completions", "/v1/moderations"):
            usual = statistics.median(_timed(light, rng, path, 20))
        for kind in kinds:
            made = [LARGEST[kind](rng, context) for _ in range(_MADE)]
            bodies = [(route(body), encoded(body)) for body in made]
            waits = {path: Waits() for path in ("/v1/chat/completions", "/v1/moderations")}
            with sender(url, keys["heavy"], bodies, at_once) as (go, counts):
                for _ in range(rounds):
                    for path, wait in waits.items():
                        idle = _timed(light, rng, path, requests)
                        go.set()
                        time.sleep(_BEFORE_S)
                        loaded = _timed(light, rng, path, requests)
                        go.clear()
                        wait.add(idle, loaded)
                        _until_idle(light, usual)
            answers = {"answered": counts[0], "refused": counts[1]}
            found[kind] = {path.rpartition("/v1/")[2]: wait.figures() for path, wait in waits.items()} | answers
            # At once, so that what was measured is not lost if the measurement is ended.
            Console(width=170).print(table({kind: found[kind]}))
    return found


def _until_idle(client: httpx.Client, usual: float) -> None:
    """Wait until five short requests in a row take at most half as long again as `usual` (seconds), but not for ever."""
    quick = 0
    for number in range(100):
        started = time.perf_counter()
        client.post("/v1/moderations", json={"input": f"Is it idle by now? {number} {started}"})
        quick = quick + 1 if time.perf_counter() - started < 1.5 * usual else 0
        if quick == 5:
            return
        time.sleep(0.05)


def table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return the figures as a table: for each kind of large prompt and each route of the short ones."""
    shown = Table("the other client sends", "route", "answered", "refused")
    for heading in ("idle ms: median", "p99", "loaded ms: median", "p99", "more ms: median", "p99", "ratio: median", "p99"):
        shown.add_column(heading)
    for kind, routes in found.items():
        for path, one in routes.items():
            if isinstance(one, Mapping):
                times = (f"{one[f'{what}_{name}']:.1f}" for what in ("idle", "loaded", "more") for name in ("median", "p99"))
                ratios = (f"{one[f'ratio_{name}']:.2f}" for name in ("median", "p99"))
                shown.add_row(kind, path, str(routes["answered"]), str(routes["refused"]), *times, *ratios)
    return shown


def make_keys(url: str) -> dict[str, str]:
    """Make an admin key on a server without keys, and with it one for each of two clients."""
    with httpx.Client(base_url=url, timeout=60) as client:
        admin = client.post("/v1/keys", json={"role": "admin", "name": "measurement"}).raise_for_status().json()["key"]
        headers = {"authorization": f"Bearer {admin}"}
        return {
            name: client.post("/v1/keys", json={"role": "client", "name": name}, headers=headers).raise_for_status().json()["key"]
            for name in ("light", "heavy")
        }


def main() -> None:
    """Start the demo server, measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--demo", choices=sorted(DEMOS), default="known")
    parser.add_argument("--only", choices=sorted(LARGEST), action="append", help="a kind of large prompt; all if left out")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--requests", type=int, default=25, help="short requests in each part of a round")
    parser.add_argument("--at-once", type=int, default=4, help="connections of the client that sends large prompts")
    chosen = parser.parse_args()
    end_by_sigterm()
    demo = DEMOS[chosen.demo]
    model = demo.model()
    # As `make serve` starts it: the engine's worker has a core of its own.
    settings = {"GUARD_POLICY": str(demo.policy), "VLLM_CPU_OMP_THREADS_BIND": "auto"}
    with tempfile.TemporaryDirectory() as folder, WholeServer(model, Path(folder), None, demo.engine, settings) as server:
        # A new data folder would have no vectors of words, and to encode them takes minutes.
        words = default_cache_dir() / "words"
        words.mkdir(parents=True, exist_ok=True)
        (Path(folder) / "words").symlink_to(words)
        server.start()
        server.wait()
        keys = make_keys(server.url)
        with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {keys['light']}"}) as client:
            context = client.get("/v1/models").json()["data"][0]["max_model_len"]
        sizes = {"rounds": chosen.rounds, "requests": chosen.requests, "at_once": chosen.at_once}
        found = measure(server.url, keys, context, chosen.only or list(LARGEST), **sizes)
    if len(found) > 1:
        Console(width=170).print(table(found))


if __name__ == "__main__":
    main()
