"""Times an import of ten thousand targets, adds, deletes, changes and a restart, on a server with the real engine, over HTTP."""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from classifiers import Example, ForgetTarget, Phrase
from evaluation.baselines.phrases import invented_name, phrases
from evaluation.targets.figures import spread

COUNT = 10_000
PHRASES = 10
ADDED = 50
CHANGED = 4


def invented(count: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield invented targets: a name, nine phrases that no other target has, five of them for every answer, and two examples."""
    rng = random.Random(seed)  # noqa: S311
    texts = phrases((PHRASES - 1) * count, seed=seed + 1)
    for number in range(count):
        name = invented_name(rng)
        own = texts[number * (PHRASES - 1) : (number + 1) * (PHRASES - 1)]
        target = ForgetTarget(
            id=f"person-{seed}-{number:05d}",
            name=name,
            phrases=[Phrase(text, "always" if at < PHRASES // 2 else "gated") for at, text in enumerate(own)],
            examples=[
                Example(prompt=f"Where was {name} born?", completion=own[0]),
                Example(prompt=f"What has {name} to do with {own[1]}?", completion=own[2]),
            ],
        )
        yield target.model_dump(mode="json")


@contextmanager
def served(
    model: str, data_dir: Path, database: str | None, wrapped: Callable[[Any], Any] | None = None
) -> Iterator[tuple[str, dict[str, float]]]:
    """Run the server in a thread; yield its URL and the seconds in which its parts started.

    `wrapped` is given the application, and what it returns is served.
    """
    import asyncio

    import uvicorn

    from evaluation.demo.served import ENGINE
    from server.app import create_app
    from server.settings import Settings

    app = create_app(Settings(model=model, data_dir=data_dir, database=database, vllm_args=ENGINE, max_body_bytes=2**28))
    shown = wrapped(app) if wrapped else app
    server = uvicorn.Server(uvicorn.Config(shown, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    started = time.perf_counter()
    thread.start()
    service = app.state.service
    while not server.started or (service._running is None and service.failure is None):
        if not thread.is_alive():
            raise RuntimeError("the server did not start")
        time.sleep(0.02)
    if service.failure:
        raise service.failure
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", {**service.seconds, "all": time.perf_counter() - started}
    finally:
        server.should_exit = True
        thread.join(120)


def measure(model: str, database: str | None = None, count: int = COUNT, added: int = ADDED) -> dict[str, Any]:
    """Import `count` targets, add `added` one by one, delete and change a few, start again.

    Times are as a client sees them: the answer means that the change is enforced.

    Args:
        model: The folder of the model.
        database: The URL of the store; None for SQLite in a folder of its own.
        count: How many targets to import; at least eight.
        added: How many targets to add.
    """
    results: dict[str, Any] = {"targets": count, "phrases": count * PHRASES, "store": (database or "sqlite").partition(":")[0]}
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        with served(model, data_dir, database) as (url, _), httpx.Client(base_url=url, timeout=1200) as client:
            lines = "\n".join(json.dumps(target) for target in invented(count))
            started = time.perf_counter()
            answer = client.post("/v1/forget-targets:import", content=lines, headers={"content-type": "application/jsonl"})
            answer.raise_for_status()
            results["import_s"] = time.perf_counter() - started
            results["files"] = sum(1 for _ in data_dir.rglob("*.safetensors"))
            results["megabytes_on_disk"] = sum(f.stat().st_size for f in data_dir.rglob("*") if f.is_file()) / 1e6
            results["resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(results, file=sys.stderr)
            # Without this wait, calibration of the imported targets would slow the first adds down.
            started = time.perf_counter()
            while not client.get("/v1/forget-targets/person-0-00000/report").json()["calibration"]["calibrated"]:
                time.sleep(0.5)
            results["calibration_s"] = time.perf_counter() - started
            taken = []
            for target in tqdm(list(invented(added, seed=1)), desc="adding one to many", file=sys.stderr):
                started = time.perf_counter()
                client.post("/v1/forget-targets", json=target).raise_for_status()
                taken.append((time.perf_counter() - started) * 1000)
            results["add_ms"] = spread(taken)
            for name, method, body in (("delete_ms", "DELETE", None), ("change_ms", "PATCH", {"aliases": ["Zorin Quaddle"]})):
                taken = []
                for number in range(CHANGED):
                    path = f"/v1/forget-targets/person-0-{2 * number + (body is None):05d}"
                    started = time.perf_counter()
                    client.request(method, path, json=body).raise_for_status()
                    taken.append((time.perf_counter() - started) * 1000)
                results[name] = spread(taken)
            print(results, file=sys.stderr)
        with served(model, data_dir, database) as (_, seconds):
            results["restart_s"] = seconds["all"] - seconds["engine"]
            results["restart"] = seconds
    return results
