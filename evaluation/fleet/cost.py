"""What a fleet costs: its throughput against one process, and the time until a new engine is current."""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any

import httpx

from evaluation.demo import load_demo
from evaluation.demo.people import POLICY
from evaluation.fleet.processes import EngineProcess, wait_until
from evaluation.fleet.whole import READY_S, WholeFleet
from evaluation.targets.measure import invented
from evaluation.targets.wholeserver import WholeServer, import_targets

AT_ONCE, TOKENS = 16, 128


async def throughput(url: str, requests: int) -> float:
    """Return tokens per second of `requests` answers of `TOKENS` tokens each, `AT_ONCE` at a time. Raises httpx.HTTPError."""
    questions = [pair.question for pair in load_demo().general]
    turns = iter(range(requests))
    async with httpx.AsyncClient(base_url=url, timeout=300) as client:

        async def work() -> int:
            said = 0
            for number in turns:
                messages = [{"role": "user", "content": questions[number % len(questions)]}]
                body = {"model": "demo", "messages": messages, "max_tokens": TOKENS, "ignore_eos": True, "temperature": 0}
                answer = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
                said += answer["usage"]["completion_tokens"]
            return said

        begun = time.perf_counter()
        counts = await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return sum(counts) / (time.perf_counter() - begun)


def measured(url: str, requests: int, rounds: int) -> float:
    """Return the median throughput of `rounds`, after one that does not count."""
    return statistics.median([asyncio.run(throughput(url, requests)) for _ in range(rounds + 1)][1:])


def overhead(model: str, folder: Path, requests: int, rounds: int) -> dict[str, Any]:
    """Compare one process, and a fleet of one engine behind the router; one after the other, because either fills the machine.

    Returns:
        Tokens per second of each, the process measured before and after the fleet; and the ratio of the fleet to their mean.

    Raises:
        ServerError, FleetError: Something did not start.
        httpx.HTTPError: An answer failed.
    """
    alone: list[float] = []

    def one_process(name: str) -> None:
        with WholeServer(model, folder / name, settings={"GUARD_POLICY": str(POLICY), "GUARD_MULTILINGUAL": "0"}) as server:
            server.start()
            server.wait()
            alone.append(measured(server.url, requests, rounds))

    one_process("before")
    with WholeFleet(model, folder / "fleet", engines=1, policy=POLICY) as fleet:
        fleet.start()
        through = measured(fleet.fronts[0].url, requests, rounds)
    one_process("after")
    return {"in_process_tokens_s": alone, "fleet_tokens_s": through, "ratio": through / statistics.mean(alone), "failures": []}


def cold(model: str, folder: Path, count: int) -> dict[str, Any]:
    """Return the seconds until an engine is current: in a fleet without targets, and in one with `count` targets.

    `beyond_start_s` is the difference: what the engine needs to fetch, check and load the restrictions.

    Raises:
        ServerError, FleetError: Something did not start.
        httpx.HTTPError: The targets could not be imported.
    """
    with WholeFleet(model, folder, engines=1) as fleet:
        fleet.start()
        empty_s = _started(fleet.add_engine(at=1))
        fleet.engines.pop().kill()
        targets = list(invented(count))
        begun = time.monotonic()
        with fleet.fronts[0].client(timeout_s=1800) as client:
            import_targets(client, targets)
            import_s = time.monotonic() - begun
            full_s = _started(fleet.add_engine(at=2))
            policy = client.get("/v1/policy").raise_for_status().json()
    failures = [] if [worker["acknowledged"] for worker in policy["workers"]] == [True, True] else ["not every engine holds all"]
    found = {"targets": count, "import_s": import_s, "without_targets_s": empty_s, "with_targets_s": full_s}
    return found | {"beyond_start_s": full_s - empty_s, "failures": failures}


def _started(engine: EngineProcess) -> float:
    engine.start()
    return wait_until(lambda: engine.ready, READY_S, "a new engine is current")
