"""Soak the server: `python -m evaluation.soak --minutes 30`.

It serves SmolLM2 with 100,000 phrases banned in every answer. 16 clients stream answers without pause; one in twenty leaves
early, and one question in twenty is about a target. The policy changes each second. The status is 1 if the memory of all the
server's processes grows by more than 5% after the warm-up, if a stream is lost although its client stayed, or if an answer has
status 5xx.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.results import add_small, results_folder

_PHRASES_EACH = 100
_MOST_ERRORS = 100


@dataclass(frozen=True)
class Effort:
    """How much is done: `seconds` of load by `clients`, under `phrases` bans; a sample of memory every `every_s` seconds."""

    seconds: float
    phrases: int = 100_000
    clients: int = 16
    every_s: float = 5.0


SMALL = Effort(10, phrases=500, every_s=0.1)


def targets(count: int) -> Iterator[dict[str, Any]]:
    """Yield targets with `count` phrases in all, each banned in every answer."""
    from evaluation.baselines.phrases import phrases

    made = phrases(count)
    for number, start in enumerate(range(0, count, _PHRASES_EACH)):
        own = made[start : start + _PHRASES_EACH]
        yield {"id": f"many-{number}", "name": f"{own[0]} {number}", "phrases": [{"text": text} for text in own]}


def run(effort: Effort) -> dict[str, Any]:
    """Soak a server, and return the figures.

    Raises:
        ServerError: The server did not start, or ended by itself.
        httpx.HTTPError: The phrases could not be imported.
    """
    from evaluation.cache import default_cache_dir
    from evaluation.demo.served import DEMOS
    from evaluation.soak import clients, memory, record
    from evaluation.targets.figures import spread
    from evaluation.targets.wholeserver import WholeServer, end_by_sigterm, import_targets

    end_by_sigterm()
    demo = DEMOS["known"]
    told, samples = clients.Told(), list[memory.Sample]()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GUARD_POLICY": str(demo.policy), "GUARD_MULTILINGUAL": "0"}
        with WholeServer(demo.model(), Path(folder), None, demo.engine, settings) as server:
            # A new data folder would have no vectors of words, and to encode them takes minutes.
            words = default_cache_dir() / "words"
            words.mkdir(parents=True, exist_ok=True)
            (Path(folder) / "words").symlink_to(words)
            server.start()
            server.wait()
            with server.client(timeout_s=1800) as client:
                import_targets(client, targets(effort.phrases))
            print(f"{effort.phrases:,} phrases are in force", file=sys.stderr)
            began = told.began = time.monotonic()

            def sample() -> None:
                server.check_alive()
                samples.append(memory.measured(server.processes(), time.monotonic() - began))

            load = clients.play(server.url, effort.seconds, effort.clients, demo.questions[:3], told, sample, effort.every_s)
            asyncio.run(load)
            seconds = effort.seconds
            errors = [line for line in server.output().splitlines() if "ERROR" in line]
            with server.client() as client:
                hits = re.search(r"^guard_hits_total (\S+)", client.get("/metrics").text, re.MULTILINE)
    first, last = memory.compared(samples, seconds)
    return {
        "seconds": seconds,
        "clients": effort.clients,
        "phrases": effort.phrases,
        "statuses": dict(told.statuses),
        "failures": told.failures,
        "ends": dict(told.ends),
        "lost": told.lost,
        "pauses_s": told.pauses,
        "server_errors": errors[-_MOST_ERRORS:],
        "asked": told.asked,
        "cut": told.cut,
        "hits": int(float(hits[1])) if hits else 0,
        "change_ms": spread(told.change_ms),
        "memory_mb": [first, last],
        "growth": last / first - 1,
        "machine": record.machine(),
        "samples": [dataclasses.asdict(sample) for sample in samples],
    }


def main() -> int:
    """Soak, print and write the record, and return the status."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.soak", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--record", action="store_true", help="write evaluation/soak/record/DATE.*")
    add_small(parser)
    options = parser.parse_args()
    folder = results_folder(options.small)
    from evaluation.soak import record

    results = run(SMALL if options.small else Effort(options.minutes * 60))
    results["faults"] = record.faults(results, judges_memory=not options.small)
    date = datetime.datetime.now(tz=datetime.UTC).date().isoformat() if options.record else "soak"
    print(f"written to {record.write(results, date, record.FOLDER if options.record else folder)}")
    print(record.table(results, date))
    return 1 if results["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
