"""Admins change the policy while clients generate: no change is lost, and no answer follows an older policy than a confirmed one.

`python -m evaluation.targets.concurrency --minutes 10 [--postgresql]` tries it on the server with the real engine, over HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from evaluation.targets import cluster
from evaluation.targets.figures import spread, tell

ADMINS, CLIENTS, WRITES = 8, 64, 200
_SENT: contextvars.ContextVar[str] = contextvars.ContextVar("sent", default="")


class Watch:
    """An application around the server's that notes under which snapshot each request is decided."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._patched = False
        self.decided: dict[str, int] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Note the request's id, and pass the request on."""
        if scope["type"] == "http":
            running = self._app.state.service._running
            if running and not self._patched:
                self._patched = True
                self._watch(running.enforcement)
            _SENT.set(dict(scope["headers"]).get(b"x-request-id", b"").decode())
        await self._app(scope, receive, send)

    def _watch(self, enforcement: Any) -> None:
        admitted = enforcement.admitted

        @asynccontextmanager
        async def watched() -> AsyncIterator[Any]:
            async with admitted() as screener:
                self.decided[_SENT.get()] = screener.snapshot.number
                yield screener

        enforcement.admitted = watched


async def run(url: str, watch: Watch, seconds: float) -> dict[str, Any]:
    """Send requests for `seconds`, and return counts and times.

    `older` counts answers under a snapshot older than one that was confirmed before their request; `lost_updates` counts changes
    that the targets' versions lack. `generate_ms` and `write_ms`: how long successful answers took, as clients see it.
    """
    # Not at the top: vLLM's workers import this module again, and do not start if that imports numba.
    from evaluation.targets.measure import invented

    statuses: Counter[str] = Counter()
    confirmed = 0
    versions: dict[str, int] = {}
    sent_under: dict[str, int] = {}
    generated_ms: list[float] = []
    written_ms: list[float] = []
    end = time.monotonic() + seconds
    # Shorter than the server keeps a connection: a request fails on a connection that the server is just closing.
    limits = httpx.Limits(max_connections=ADMINS + CLIENTS, keepalive_expiry=2.0)
    progress = tqdm(total=round(seconds), unit="s", file=sys.stderr)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:

        async def write(admin: int) -> None:
            nonlocal confirmed
            rng = random.Random(admin)  # noqa: S311
            mine = list(invented(WRITES // ADMINS, seed=admin + 10))
            for number, target in enumerate(mine):
                # Others change the same target meanwhile; the server then refuses this change, which is tried again.
                await asyncio.sleep(max(0.0, end - time.monotonic()) / (len(mine) - number) * rng.random())
                body = {"name": target["name"], "phrases": target["phrases"], "examples": target["examples"]}
                shared = f"shared-{number % 5}"
                while True:
                    known = await client.get(f"/v1/forget-targets/{shared}")
                    asked = time.perf_counter()
                    if known.status_code == 404:
                        answer = await client.post("/v1/forget-targets", json={"id": shared, **body})
                    else:
                        answer = await client.patch(
                            f"/v1/forget-targets/{shared}", json=body, headers={"if-match": known.headers["etag"]}
                        )
                    statuses[f"write {answer.status_code}"] += 1
                    if answer.status_code in (200, 201):
                        break
                written_ms.append((time.perf_counter() - asked) * 1000)
                told = answer.json()
                confirmed = max(confirmed, told["snapshot"])
                versions[shared] = versions.get(shared, 0) + 1
                progress.update(0)

        async def generate(number: int) -> None:
            rng = random.Random(1000 + number)  # noqa: S311
            count = 0
            while time.monotonic() < end:
                request_id = f"c{number}-{count}"
                count += 1
                sent_under[request_id] = confirmed
                body = {"model": "demo", "prompt": "Tell me about the sea and the harbour.", "max_tokens": rng.randint(4, 24)}
                asked = time.perf_counter()
                answer = await client.post("/v1/completions", json=body, headers={"x-request-id": request_id})
                statuses[f"generate {answer.status_code}"] += 1
                if answer.status_code == 200:
                    generated_ms.append((time.perf_counter() - asked) * 1000)

        async def tick() -> None:
            while time.monotonic() < end:
                await asyncio.sleep(1)
                progress.update(1)

        await asyncio.gather(tick(), *(write(n) for n in range(ADMINS)), *(generate(n) for n in range(CLIENTS)))
        found = {shared: (await client.get(f"/v1/forget-targets/{shared}")).json()["version"] for shared in versions}
    older = [i for i, before in sent_under.items() if i in watch.decided and watch.decided[i] < before]
    return {
        "seconds": seconds,
        "statuses": dict(statuses),
        "decided": len(watch.decided),
        "older": len(older),
        "lost_updates": sum(abs(found[shared] - count) for shared, count in versions.items()),
        "confirmed": confirmed,
        "generate_ms": spread(generated_ms),
        "write_ms": spread(written_ms),
    }


def main() -> None:
    """Run and print the figures as JSON; exit with status 1 if a change was lost, an answer older, or a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long to play")
    cluster.add_database(parser)
    parser.add_argument("--record", type=Path, help="file for the figures")
    options = parser.parse_args()
    made = subprocess.run([sys.executable, "-m", "evaluation.tinylm"], check=True, stdout=subprocess.PIPE, text=True)
    from evaluation.targets.measure import served
    from evaluation.targets.wholeserver import end_by_sigterm
    from server.environment import share_processor

    end_by_sigterm()
    share_processor()
    watches: list[Watch] = []

    def wrapped(app: Any) -> Watch:
        watches.append(Watch(app))
        return watches[0]

    model = made.stdout.splitlines()[-1]
    with (
        tempfile.TemporaryDirectory() as folder,
        cluster.database(options) as database,
        served(model, Path(folder), database, wrapped) as (url, _),
    ):
        found = asyncio.run(run(url, watches[0], options.minutes * 60))
    tell({"store": (database or "sqlite").partition(":")[0], **found}, options.record)
    failed = [status for status in found["statuses"] if int(status.rsplit(" ", 1)[1]) >= 500]
    sys.exit(bool(found["older"] or found["lost_updates"] or failed))


if __name__ == "__main__":
    main()
