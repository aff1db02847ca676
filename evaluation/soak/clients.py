"""Clients that stream answers without pause, of whom some leave early, and an admin who changes the policy each second."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from evaluation.baselines.phrases import invented_name
from evaluation.load.prompts import short

LEAVES, ABOUT = 0.05, 0.05
"""The share of requests whose client leaves in the middle of the answer, and of those about a target of the policy."""
MOST_TOKENS = 64
PAUSE_S = 1.0
"""The length of a pause of this process from which on it is noted: what held it up may have held up the server."""
TIMEOUT_S = 300.0


@dataclass
class Told:
    """What clients and the admin saw.

    Attributes:
        statuses: Answers by who asked and HTTP status, such as `stream 200`.
        ends: Streams by their end: a `finish_reason`, `left` (by its client), or `lost`.
        lost: What is known of the streams that were lost, and when; the first 500.
        cut: Answers that the policy cut short, among those about a target.
        asked: Requests about a target whose client stayed.
        change_ms: How long each change of the policy took, until the server answered.
        pauses: When this process was held up, and for how long, in seconds.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    cut: int = 0
    asked: int = 0
    change_ms: list[float] = field(default_factory=list)
    pauses: list[tuple[float, float]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def lose(self, what: str) -> None:
        """Count a stream that was lost."""
        self.ends["lost"] += 1
        at = f"{time.monotonic() - self.began:.0f} s: "
        if len(self.lost) < 500:
            self.lost.append(at + what)

    @property
    def failures(self) -> int:
        """Answers with status 5xx."""
        return sum(count for name, count in self.statuses.items() if name.rsplit(" ", 1)[1].startswith("5"))


async def stream(client: httpx.AsyncClient, rng: random.Random, questions: tuple[str, ...], told: Told) -> None:
    """Ask for one streamed answer, and note how it ended. One client in twenty leaves after a few events."""
    about, leaves = rng.random() < ABOUT, rng.random() < LEAVES
    body: dict[str, Any] = short(rng) | {"max_tokens": rng.randint(8, MOST_TOKENS), "stream": True}
    if about:
        body["messages"] = [{"role": "user", "content": rng.choice(questions)}]
        body["max_tokens"] = MOST_TOKENS
    patience = rng.randint(1, 12) if leaves else None
    finish, done, events = None, False, 0
    try:
        async with client.stream("POST", "/v1/chat/completions", json=body) as response:
            told.statuses[f"stream {response.status_code}"] += 1
            if response.status_code != 200:
                told.lose(f"status {response.status_code}: {(await response.aread()).decode(errors='replace')[:300]}")
                return
            async for line in response.aiter_lines():
                if not line.startswith("data: "):
                    continue
                if line == "data: [DONE]":
                    done = True
                    continue
                events += 1
                read = json.loads(line.removeprefix("data: "))
                if "error" in read:
                    told.lose(f"an error event: {line[:300]}")
                    return
                for choice in read["choices"]:
                    finish = choice.get("finish_reason") or finish
                if patience is not None and events >= patience:
                    told.ends["left"] += 1
                    return
    except httpx.HTTPError as error:
        told.lose(f"{type(error).__name__} after {events} events")
        return
    if finish is None or not done:
        told.lose(f"no end after {events} events: finish_reason {finish}, [DONE] {done}")
        return
    told.ends[finish] += 1
    if about:
        told.asked += 1
        told.cut += finish == "content_filter"


async def change(client: httpx.AsyncClient, number: int, rng: random.Random, told: Told) -> None:
    """Change the policy once: make a target, change it, delete it, and so on in turn."""
    path = f"/v1/forget-targets/soak-{number // 3}"
    began = time.perf_counter()
    name = invented_name(rng)
    if number % 3 == 0:
        body = {
            "id": f"soak-{number // 3}",
            "name": name,
            "phrases": [{"text": f"{invented_name(rng)} {number}"}],
            "examples": [{"prompt": f"Where was {name} born?", "completion": f"In {invented_name(rng)}."}],
        }
        response = await client.post("/v1/forget-targets", json=body)
    elif number % 3 == 1:
        response = await client.patch(path, json={"phrases": [{"text": f"{invented_name(rng)} {number}"}]})
    else:
        response = await client.delete(path)
    told.statuses[f"change {response.status_code}"] += 1
    told.change_ms.append((time.perf_counter() - began) * 1000)


def opened(url: str, connections: int) -> httpx.AsyncClient:
    """Return a client of the server with at most `connections` connections."""
    # Shorter than the server keeps a connection: a request fails on a connection that the server is just closing.
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=2.0)
    return httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits)


async def play(
    url: str, seconds: float, clients: int, questions: tuple[str, ...], told: Told, sample: Callable[[], None], every_s: float
) -> None:
    """Load the server for `seconds`.

    Args:
        url: The server.
        seconds: How long.
        clients: How many stream at once.
        questions: About targets of the policy.
        told: Where it is noted what happened.
        sample: Called every `every_s` seconds, on a thread.
        every_s: Seconds between two samples.
    """
    end = time.monotonic() + seconds
    async with opened(url, clients + 4) as client:

        async def ask(number: int) -> None:
            rng = random.Random(number)  # noqa: S311 - repeatable, not secret
            while time.monotonic() < end:
                await stream(client, rng, questions, told)

        async def administer() -> None:
            rng, number = random.Random(-1), 0  # noqa: S311
            while (began := time.monotonic()) < end:
                await change(client, number, rng, told)
                number += 1
                await asyncio.sleep(max(0.0, began + 1 - time.monotonic()))

        async def watch() -> None:
            while time.monotonic() < end:
                await asyncio.to_thread(sample)
                await asyncio.sleep(every_s)

        async def notice_pauses() -> None:
            while (began := time.monotonic()) < end:
                await asyncio.sleep(PAUSE_S / 4)
                if (pause := time.monotonic() - began) > PAUSE_S:
                    told.pauses.append((began - told.began, pause))

        await asyncio.gather(watch(), administer(), notice_pauses(), *(ask(number) for number in range(clients)))
