"""Kill a process in the middle of an import, and look at what it leaves: `python -m evaluation.targets.kills --points 100`.

The process writes targets and their audit record to the store, compiles them and marks them active, as the server does; its
engine only loads them. Whenever it is killed, the store holds all targets or none, the audit log verifies, and a process that
starts afterwards enforces all targets in the store.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from classifiers import ForgetTarget, LiveClassifier
from classifiers.meaning.neighbours import Neighbours
from evaluation.targets.figures import tell
from evaluation.targets.measure import invented
from guard import Restriction
from server.metrics import Metrics
from server.policy.activation import Activation
from server.policy.enforcement import Enforcement
from server.policy.recovery import recover
from server.screening.lanes import Lanes
from server.store import Database, TargetDraft, Targets, notifier_of
from server.store.audit.log import Audit
from server.store.audit.record import AuditEvent
from server.store.database.location import default_url

TARGETS = 200


class Noted:
    """An engine that loads what it is told to from the folder, as a worker does, and generates nothing."""

    context_length = 4096

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def load(self, digests: Sequence[str]) -> None:
        """Load and verify restrictions. Raises RestrictionError if one is missing or damaged."""
        for digest in digests:
            await asyncio.to_thread(Restriction.load, self._folder, digest)

    def readings(self, text: str) -> Sequence[str]:
        """Return nothing: there is no tokenizer."""
        return ()

    async def forget(self, digests: Sequence[str]) -> None:
        """Do nothing: this engine holds nothing."""


class NoEncoder:
    """Encodes nothing: the targets here have no examples."""

    dimension = 8
    fingerprint = "none"

    def encode(self, texts: Sequence[str]) -> Any:
        """Return zeros."""
        return np.zeros((len(texts), self.dimension), np.float32)


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[tuple[Database, Activation]]:
    """Start what a server starts, on the store and the files in `folder`."""
    database = await Database.open(default_url(folder))
    found = await recover(database, NoEncoder())
    with Lanes() as lanes:
        files = folder / "restrictions"
        enforcement = Enforcement(Noted(files), Neighbours(NoEncoder()), lanes, files, Metrics())  # type: ignore[arg-type]
        await enforcement.start(found.targets, LiveClassifier(found.targets, [], NoEncoder()))
        activation = Activation(database, notifier_of(database), enforcement, "one", timeout_s=30, audit=Audit())
        await activation.start(found.versions)
        yield database, activation
        await activation.stop()
    await database.close()


async def import_all(folder: Path) -> None:
    """Import the targets; print when that begins and when it is confirmed."""
    drafts = [TargetDraft(ForgetTarget.model_validate({**target, "examples": []})) for target in invented(TARGETS)]
    async with process(folder) as (database, activation):
        print("begun", flush=True)
        async with database.write() as session:
            await Targets().create_many(session, drafts, actor="test")
            await Audit().append(session, AuditEvent("target.import", "test", details={"targets": len(drafts)}))
        await activation.activate()
        print("confirmed", flush=True)


async def left(folder: Path) -> str:
    """Start a process on what is left, and return "old" (no targets) or "new" (all). Raises AssertionError for a part of them."""
    async with process(folder) as (database, activation):
        async with database.read() as session:
            counts = await Targets().counts(session)
            verified = await Audit().verify(session)
        assert verified.ok, verified.fault
        assert counts["pending"] == 0
        assert counts["active"] in (0, TARGETS), counts
        assert len(activation.enforcement.snapshot.targets) == counts["active"]
        return "new" if counts["active"] else "old"


def _importing(folder: Path) -> subprocess.Popen[str]:
    """Start a process that imports, and return it when the import begins."""
    child = subprocess.Popen(
        [sys.executable, "-m", "evaluation.targets.kills", "--import-into", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "begun"
    return child


def killed(folder: Path, seconds: float) -> bool:
    """Import in another process and kill that `seconds` after it began; return whether it had confirmed the import."""
    child = _importing(folder)
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    told, _ = child.communicate()
    return "confirmed" in told


def duration() -> float:
    """Return the seconds of an import without a kill."""
    with tempfile.TemporaryDirectory() as folder:
        child = _importing(Path(folder))
        assert child.stdout is not None
        begun = time.monotonic()
        assert child.stdout.readline().strip() == "confirmed"
        taken = time.monotonic() - begun
        child.communicate()
        return taken


def play(points: int, seed: int = 0) -> dict[str, int]:
    """Kill `points` imports, each at a random point or shortly after its end; return how often each state was left.

    Raises:
        AssertionError: the store held a part of an import, lost a confirmed one, or its audit log does not verify.
    """
    rng = random.Random(seed)  # noqa: S311
    most_s = 1.1 * duration()
    found: Counter[str] = Counter()
    for _ in tqdm(range(points), desc="kills", file=sys.stderr, disable=points < 10):
        with tempfile.TemporaryDirectory() as folder:
            confirmed = killed(Path(folder), rng.uniform(0, most_s))
            state = asyncio.run(left(Path(folder)))
            assert state == "new" or not confirmed, "the process confirmed the import, and the next one does not know it"
            found[state + (", confirmed" if confirmed else "")] += 1
    return dict(found)


def main() -> None:
    """Play and print figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100, help="kills of a process without an engine")
    parser.add_argument("--engine", type=int, default=0, help="kills of a whole server; each takes about a minute")
    parser.add_argument("--seed", type=int, default=0, help="of the random points")
    parser.add_argument("--record", type=Path, help="file for the figures")
    parser.add_argument("--import-into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.import_into:
        asyncio.run(import_all(options.import_into))
        return
    found: dict[str, Any] = {"points": play(options.points, options.seed)}
    if options.engine:
        from evaluation.demo.served import demo_model
        from evaluation.targets import enginekills
        from evaluation.targets.wholeserver import end_by_sigterm

        end_by_sigterm()
        found["engine"] = enginekills.play(demo_model(), options.engine, options.seed)
    tell(found, options.record)


if __name__ == "__main__":
    main()
