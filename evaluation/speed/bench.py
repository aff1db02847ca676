"""What the guard costs on the demo model: throughput with and without it, and how long a newcomer waits."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp
from tqdm import tqdm

from evaluation.demo import load_demo
from evaluation.demo.served import demo_model
from evaluation.demo.server import demo_server
from evaluation.results import BUILD
from server.engine.protocol import json_of
from server.service import Service

BATCH = 16


@dataclass(frozen=True)
class Effort:
    """How much is generated: `requests` of `tokens` tokens each, `rounds` times each way."""

    requests: int = 64
    tokens: int = 64
    rounds: int = 5


FULL, SMALL = Effort(), Effort(requests=BATCH, tokens=8, rounds=1)


async def tokens_per_second(app: ASGIApp, bodies: Sequence[dict[str, Any]], batch: int = BATCH) -> float:
    """Send the requests `bodies`, `batch` at a time, and return how many tokens are generated per second."""
    slots = asyncio.Semaphore(batch)

    async def ask(body: dict[str, Any]) -> int:
        async with slots:
            answer = await json_of(app, "POST", "/v1/chat/completions", body)
        return int(answer["usage"]["completion_tokens"])

    started = time.perf_counter()
    tokens = sum(await asyncio.gather(*(ask(body) for body in bodies)))
    return tokens / (time.perf_counter() - started)


def bodies(questions: Sequence[str], model: str, guard: Sequence[str] | None, effort: Effort = FULL) -> list[dict[str, Any]]:
    """Return chat requests for answers of `effort.tokens` tokens; a `guard` of None leaves the restrictions to the server."""
    argument = {} if guard is None else {"vllm_xargs": {"guard": list(guard)}}
    return [
        {
            "model": model,
            "messages": [{"role": "user", "content": questions[k % len(questions)]}],
            "max_tokens": effort.tokens,
            "ignore_eos": True,
            "temperature": 1.0,
            **argument,
        }
        for k in range(effort.requests)
    ]


async def measure(effort: Effort = FULL) -> dict[str, Any]:
    """Start the demo server in this process, and return tokens per second, ratios, and the seconds of each wait."""
    started = time.perf_counter()
    model = demo_model()
    model_s = time.perf_counter() - started
    started = time.perf_counter()
    async with demo_server(model) as app:
        service: Service = app.state.service
        startup = {**service.seconds, "total": time.perf_counter() - started}
        throughput = await _throughput(app, service, effort)
    training = json.loads((Path(model) / "training.json").read_text())
    installed = BUILD / "install.json"
    return {
        **throughput,
        "startup_s": {name: round(seconds, 2) for name, seconds in startup.items()},
        "demo_model_s": round(model_s, 2),
        "training_s": training["seconds"],
        "install_s": json.loads(installed.read_text())["install_s"] if installed.exists() else None,
    }


async def _throughput(app: ASGIApp, service: Service, effort: Effort) -> dict[str, Any]:
    running = service.running
    questions = [pair.question for pair in load_demo().general]
    always = running.screener.snapshot.always
    ways: Mapping[str, tuple[ASGIApp, list[dict[str, Any]]]] = {
        "unguarded": (running.engine.app, bodies(questions, running.model, [], effort)),
        "guarded": (running.engine.app, bodies(questions, running.model, always, effort)),
        "server": (app, bodies(questions, running.model, None, effort)),
    }
    for way, asked in ways.values():  # warm up: compiled loops, caches
        await tokens_per_second(way, asked[:BATCH])
    rates: dict[str, list[float]] = {name: [] for name in ways}
    # In turns, so that a slow minute of the machine falls on all of them.
    for _ in tqdm(range(effort.rounds), desc="throughput", file=sys.stderr):
        for name, (way, asked) in ways.items():
            rates[name].append(await tokens_per_second(way, asked))

    def ratio(name: str) -> float:
        return round(statistics.median(a / b for a, b in zip(rates[name], rates["unguarded"], strict=True)), 3)

    return {
        "tokens_per_s": {name: round(statistics.median(values), 1) for name, values in rates.items()},
        "ratio_to_unguarded": {"guarded": ratio("guarded"), "server": ratio("server")},
        "settings": {"batch": BATCH, **asdict(effort)},
    }


def report(results: dict[str, Any], folder: Path) -> None:
    """Print the results and merge them into `bench.json` in `folder`."""
    table = Table(title="Demo model, one run")
    table.add_column("what")
    table.add_column("measured", justify="right")
    for name, rate in results["tokens_per_s"].items():
        share = results["ratio_to_unguarded"].get(name)
        table.add_row(f"tokens/s, {name}", f"{rate:,.0f}" + (f"  ({share:.1%} of unguarded)" if share else ""))
    for name, seconds in results["startup_s"].items():
        table.add_row(f"start-up, {name}", f"{seconds:.1f} s")
    table.add_row("training the demo model", f"{results['training_s']:.1f} s")
    if results["install_s"] is not None:
        table.add_row("installing", f"{results['install_s']:.0f} s")
    Console().print(table)
    merge(results, folder)


def merge(results: dict[str, Any], folder: Path) -> None:
    """Merge results into `bench.json` in `folder`, keeping keys that other benchmarks wrote."""
    path = folder / "bench.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**known, **results, "commit": _commit()}, indent=2) + "\n")
    print(f"written to {path}")


def _commit() -> str | None:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)  # noqa: S607
    return found.stdout.strip() or None
