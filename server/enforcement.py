"""Enforcement: the policy as the engine's workers and the classifier hold it, and how it changes while requests run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from classifiers import Encoder, ForgetTarget
from classifiers.encoder import Vectors
from classifiers.living import LivingClassifier
from guard.restriction import SUFFIX
from server.compiler import Base, Compiled, Compiler
from server.engine import Engine
from server.metrics import Metrics
from server.screening import Screener
from server.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)

T = TypeVar("T")

# More restrictions than this beside the merged one, or more layers of names, and they are merged in the background. Each costs
# every row some microseconds a step.
MOST_BESIDE = 8


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that every worker is ready for, and that no request is decided by yet."""

    targets: Mapping[str, ForgetTarget]
    base: Base
    beside: Mapping[str, str]
    gated: Mapping[str, str]
    classifier: LivingClassifier
    compiled: Compiled


class Enforcement:
    """Holds the snapshot in force. It moves only after every worker has acknowledged what the new one needs.

    A new target is a small restriction beside the merged one. A target that changes or goes away is taken out of the merged one,
    which is compiled anew then: what is no longer banned must not stay so. Requests keep the snapshot they were admitted under;
    what no request and no snapshot uses any more is dropped from the workers and from the disk.

    Changes come one at a time: `commit` is called inside `changing`.
    """

    def __init__(self, engine: Engine, encoder: Encoder, executor: Executor, folder: Path, metrics: Metrics) -> None:
        self._engine = engine
        self._encoder = encoder
        self._executor = executor
        self._folder = folder
        self._metrics = metrics
        self._compiler = Compiler(folder, encoder)
        # Held by whoever moves the snapshot or the classifier: a change, a merge, other limits.
        self._lock = asyncio.Lock()
        self._base = Base(None, {})
        self._beside: Mapping[str, str] = {}
        self._classifier: LivingClassifier | None = None
        self._screener: Screener | None = None
        self._words_ready = False
        self._users: dict[int, int] = {}
        self._retired: set[str] = set()
        self._merging: asyncio.Task[None] | None = None

    @property
    def screener(self) -> Screener:
        """The screener of the snapshot in force."""
        if self._screener is None:
            raise RuntimeError("nothing is enforced yet")
        return self._screener

    @property
    def snapshot(self) -> PolicySnapshot:
        """The snapshot in force."""
        return self.screener.snapshot

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[Screener]:
        """Give a request the snapshot in force, and keep what it needs until the request ends."""
        screener = self.screener
        user = id(screener)
        self._users[user] = self._users.get(user, 0) + 1
        try:
            yield screener
        finally:
            self._users[user] -= 1
            if not self._users[user]:
                del self._users[user]
                if screener is not self._screener:
                    await self.drop_unused()

    async def start(self, targets: Sequence[ForgetTarget], classifier: LivingClassifier) -> Compiled:
        """Make the workers ready for `targets`, which `classifier` knows; `commit_start` then puts them in force.

        Raises what `changing` raises.
        """
        listed = {target.id: target for target in targets}
        base = await self._run(self._compiler.base, listed)
        compiled = await self._run(self._compiler.targets, targets, False)
        await self._load(base.digests | compiled.digests, compiled.anchors)
        self._base, self._classifier = base, classifier
        self._started = (listed, compiled)
        return compiled

    def commit_start(self, number: int) -> PolicySnapshot:
        """Put what `start` prepared in force as snapshot `number`."""
        listed, compiled = self._started
        return self._move(number, listed, dict(compiled.gated))

    @property
    def encoder(self) -> Encoder:
        """What encodes examples."""
        return self._encoder

    @asynccontextmanager
    async def changing(
        self, upserted: Sequence[ForgetTarget], removed: Collection[str], vectors: Mapping[str, Vectors] | None = None
    ) -> AsyncIterator[Prepared]:
        """Make the workers ready to enforce `upserted` as they are now, and `removed`, target ids, no more.

        `vectors` are those of examples whose text was not kept, by target id.

        What is given is to be put in force by `commit`; if it is not, everything is as before. Raises EngineFailure if a worker
        does not acknowledge in time, OSError if a restriction cannot be written, and what the encoder raises.
        """
        async with self._lock:
            assert self._classifier is not None
            snapshot = self.snapshot
            touched = {target.id for target in upserted}.union(removed)

            def kept(mapping: Mapping[str, T]) -> dict[str, T]:
                return {i: value for i, value in mapping.items() if i not in touched}

            listed = kept(snapshot.targets) | {target.id: target for target in upserted}
            base, beside = self._base, kept(self._beside)
            # Many at once are merged at once.
            many = len(upserted) > MOST_BESIDE
            if many:
                base, beside = await self._run(self._compiler.base, listed), {}
            elif touched & base.targets.keys():
                base = await self._run(self._compiler.base, kept(base.targets))
            compiled = await self._run(self._compiler.targets, upserted, not many)
            classifier = await self._run(self._classifier.changed, upserted, removed, vectors)
            await self._load((base.digests - self._base.digests) | compiled.digests, compiled.anchors)
            yield Prepared(
                listed,
                base,
                beside | dict(compiled.always),
                kept(snapshot.gated) | dict(compiled.gated),
                classifier,
                compiled,
            )

    def commit(self, prepared: Prepared, number: int) -> PolicySnapshot:
        """Put a prepared change in force as snapshot `number`: requests admitted from now on are decided by it."""
        self._base, self._beside, self._classifier = prepared.base, prepared.beside, prepared.classifier
        snapshot = self._move(number, prepared.targets, prepared.gated)
        if max(len(self._beside), self._classifier.layers) > MOST_BESIDE and (self._merging is None or self._merging.done()):
            self._merging = asyncio.create_task(self._merge())
        return snapshot

    def renumber(self, number: int) -> None:
        """Count the same state as snapshot `number`."""
        self._move(number, self.snapshot.targets, self.snapshot.gated)

    async def limit(self, limits: Mapping[str, float]) -> None:
        """Use other limits of slack in the classifier (`Calibration.limits`)."""
        async with self._lock:
            assert self._classifier is not None
            self._classifier = await self._run(self._classifier.limited, limits)
            self._move(self.snapshot.number, self.snapshot.targets, self.snapshot.gated)

    async def merge(self) -> None:
        """Merge what stands beside now, so that nothing is left in memory of what is not enforced any more."""
        if self._merging:
            await self._merging
        await self._merge()

    async def drop_unused(self) -> None:
        """Drop from workers and disk what only ended snapshots used, unless a request under an older snapshot still runs."""
        if not self._retired or self._users.keys() - {id(self._screener)}:
            return
        gone, self._retired = self._retired, set()
        await self._engine.forget(sorted(gone))
        for digest in gone:
            (self._folder / (digest + SUFFIX)).unlink(missing_ok=True)

    async def _merge(self) -> None:
        """Merge what stands beside, while requests and changes go on."""
        try:
            earlier, listed = self._classifier, self.snapshot.targets
            assert earlier is not None
            base = await self._run(self._compiler.base, listed)
            merged = await self._run(earlier.merged)
            async with self._lock:
                snapshot = self.snapshot
                if any(snapshot.targets.get(i) is not target for i, target in listed.items()):
                    return  # one of them changed or went away meanwhile: the next change tries again
                await self._load(base.digests)
                self._base = base
                self._beside = {i: digest for i, digest in self._beside.items() if i not in listed}
                self._classifier = self._classifier.adopting(merged) if self._classifier else merged
                self._move(snapshot.number, snapshot.targets, snapshot.gated)
            await self.drop_unused()
        except Exception as error:
            logger.warning("restrictions could not be merged, so they stay side by side: %s", type(error).__name__)

    def _move(self, number: int, targets: Mapping[str, ForgetTarget], gated: Mapping[str, str]) -> PolicySnapshot:
        assert self._classifier is not None
        always = tuple(dict.fromkeys([*self._base.digests, *self._beside.values()]))
        snapshot = PolicySnapshot(number, targets, always, gated, self._classifier)
        used = {*always, *gated.values()}
        if self._screener:
            before = self._screener.snapshot
            self._retired |= {*before.always, *before.gated.values()}
        self._retired -= used
        self._screener = Screener(snapshot, self._executor, self._metrics)
        self._metrics.snapshot(number)
        return snapshot

    async def _load(self, digests: Collection[str], anchors: bool = False) -> None:
        if anchors and not self._words_ready:
            await self._engine.prepare_words(self._encoder.encode, self._encoder.fingerprint)
            self._words_ready = True
        if digests:
            await self._engine.load(sorted(digests))

    async def _run(self, call: Callable[..., T], *arguments: Any) -> T:
        # Not in the screening thread: a request must not wait for a list to be compiled.
        return await asyncio.to_thread(call, *arguments)
