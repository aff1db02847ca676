"""Enforcement: the policy as the engine's workers and the classifier hold it, and how it changes while requests run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from classifiers import Encoder, ForgetTarget
from classifiers.live import LivingClassifier
from classifiers.meaning.encoder import Vectors
from classifiers.tiers import crowded
from guard.restriction import SUFFIX
from server.engine.protocol import Engine
from server.metrics import Metrics
from server.policy.compiler import Compiled, Compiler, Part
from server.screening.lanes import Lanes
from server.screening.screener import Screener
from server.screening.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)

T = TypeVar("T")

# More restrictions than this for every answer, and the smallest are merged in the background: each costs every row some
# microseconds a step.
MOST_PARTS = 8
# Without a change for so long, all is merged into one: a large list takes seconds of one core, which a change would wait for.
QUIET_S = 30.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that every worker is ready for, and that no request is decided by yet."""

    targets: Mapping[str, ForgetTarget]
    parts: Sequence[Part]
    gated: Mapping[str, str]
    classifier: LivingClassifier
    compiled: Compiled


class Enforcement:
    """Holds the snapshot in force. It moves only after every worker has acknowledged what the new one needs.

    A new target is a small restriction beside larger ones of merged targets. A target that changes or goes away is taken out of
    the one it is in, which is compiled anew then: what is no longer banned must not stay so. Requests keep the snapshot they were
    admitted under; what no request and no snapshot uses any more is dropped from the workers and from the disk.

    Changes come one at a time: `commit` is called inside `changing`.
    """

    def __init__(self, engine: Engine, encoder: Encoder, lanes: Lanes, folder: Path, metrics: Metrics) -> None:
        self._engine = engine
        self._encoder = encoder
        self._lanes = lanes
        self._folder = folder
        self._metrics = metrics
        self._compiler = Compiler(folder, encoder)
        # Held by whoever moves the snapshot or the classifier: a change, a merge, other limits.
        self._lock = asyncio.Lock()
        self._parts: Sequence[Part] = ()
        self._classifier: LivingClassifier | None = None
        self._screener: Screener | None = None
        self._words_ready = False
        self._users: dict[int, int] = {}
        self._retired: set[str] = set()
        self._merging: asyncio.Task[None] | None = None
        self._dropping: asyncio.Task[None] | None = None
        self._quiet: asyncio.TimerHandle | None = None

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
                if screener is not self._screener and not self._in_use:
                    # The request has its answer; a change that is going on need not end first.
                    self._dropping = asyncio.create_task(self.drop_unused())

    async def start(self, targets: Sequence[ForgetTarget], classifier: LivingClassifier) -> None:
        """Make the workers ready for `targets`, which `classifier` knows; `commit_start` then puts them in force.

        Raises what `changing` raises.
        """
        listed = {target.id: target for target in targets}
        part = await self._run(self._compiler.part, listed)
        compiled = await self._run(self._compiler.targets, targets, False)
        await self._load(_digests([part]) | compiled.digests, compiled.anchors)
        self._parts, self._classifier = [part], classifier
        self._started = (listed, compiled)

    def commit_start(self, number: int) -> PolicySnapshot:
        """Put what `start` prepared in force as snapshot `number`. Files that a process before left, and nobody uses, go."""
        listed, compiled = self._started
        snapshot = self._move(number, listed, dict(compiled.gated))
        used = {*snapshot.always, *snapshot.gated.values()}
        for file in self._folder.glob("*"):
            if file.stem not in used and (file.suffix == SUFFIX or file.name.startswith(".")):
                file.unlink(missing_ok=True)
        return snapshot

    @property
    def context_length(self) -> int:
        """The engine's: the number of tokens a prompt and its answer may have."""
        return self._engine.context_length

    @property
    def encoder(self) -> Encoder:
        """What encodes examples."""
        return self._encoder

    @asynccontextmanager
    async def changing(
        self, upserted: Sequence[ForgetTarget], removed: Collection[str], vectors: Mapping[str, Vectors] | None = None
    ) -> AsyncIterator[Prepared]:
        """Make the workers ready to enforce `upserted` as they are now, and `removed`, target ids, no more.

        `vectors` are those of examples that need not be encoded, by target id.

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
            parts = []
            for part in self._parts:
                if touched.isdisjoint(part.targets):
                    parts.append(part)
                elif rest := kept(part.targets):
                    parts.append(await self._run(self._compiler.part, rest))
            # Many at once are merged at once.
            many = len(upserted) > MOST_PARTS
            compiled = await self._run(self._compiler.targets, upserted, not many)
            if many:
                parts.append(await self._run(self._compiler.part, {target.id: target for target in upserted}))
            else:
                parts += [Part(compiled.always.get(target.id), {target.id: target}) for target in upserted]
            classifier = await self._run(self._classifier.changed, upserted, removed, vectors)
            await self._load((_digests(parts) - _digests(self._parts)) | compiled.digests, compiled.anchors)
            yield Prepared(listed, _by_size(parts), kept(snapshot.gated) | dict(compiled.gated), classifier, compiled)

    def commit(self, prepared: Prepared, number: int) -> PolicySnapshot:
        """Put a prepared change in force as snapshot `number`: requests admitted from now on are decided by it."""
        self._parts, self._classifier = prepared.parts, prepared.classifier
        snapshot = self._move(number, prepared.targets, prepared.gated)
        if (len(self._parts) > MOST_PARTS or self._classifier.crowded) and not self._is_merging:
            self._merging = asyncio.create_task(self._merge())
        self._merge_when_quiet()
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
        """Merge everything now, so that nothing is left in memory of what is not enforced any more."""
        if self._merging:
            await self._merging
        await self._merge(whole=True)

    def stop(self) -> None:
        """Begin no more merging."""
        if self._quiet:
            self._quiet.cancel()
        if self._merging:
            self._merging.cancel()

    async def acknowledged(self) -> tuple[int, Sequence[int]]:
        """Return how many restrictions the snapshot in force needs, and how many of them each worker says that it holds, by rank.

        Raises EngineFailure.
        """
        while True:
            snapshot = self.snapshot
            needed = sorted({*snapshot.always, *snapshot.gated.values()})
            held = await self._engine.held(needed)
            # Else workers may have dropped meanwhile what is not needed any more.
            if self.snapshot is snapshot:
                return len(needed), held

    async def drop_unused(self) -> None:
        """Drop from workers and disk what only ended snapshots used, unless a request under an older snapshot still runs."""
        # Not while a change is made: it may be about to use again what was retired.
        async with self._lock:
            if not self._retired or self._in_use:
                return
            gone, self._retired = self._retired, set()
            await self._engine.forget(sorted(gone))
            for digest in gone:
                (self._folder / (digest + SUFFIX)).unlink(missing_ok=True)

    @property
    def _in_use(self) -> bool:
        """Whether a request under an earlier snapshot still runs."""
        return bool(self._users.keys() - {id(self._screener)})

    @property
    def _is_merging(self) -> bool:
        return self._merging is not None and not self._merging.done()

    def _merge_when_quiet(self) -> None:
        def begin() -> None:
            if self._is_merging:
                self._merge_when_quiet()
            elif len(self._parts) > 1 or not (self._classifier and self._classifier.whole):
                self._merging = asyncio.create_task(self._merge(whole=True))

        if self._quiet:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(QUIET_S, begin)

    async def _merge(self, whole: bool = False) -> None:
        """Merge the smallest parts, or all if `whole`, while requests and changes go on."""
        try:
            earlier, parts = self._classifier, self._parts
            assert earlier is not None
            first = 0 if whole else crowded([len(part.targets) for part in parts], MOST_PARTS)
            merged = parts[first:]
            together: dict[str, ForgetTarget] = {}
            for part in merged:
                together |= part.targets
            one = await self._run(self._compiler.part, together) if len(merged) > 1 else None
            classifier = await self._run(earlier.merged, whole)
            async with self._lock:
                if one and all(any(part is old for part in self._parts) for old in merged):
                    await self._load(_digests([one]))
                    rest = [part for part in self._parts if not any(part is old for old in merged)]
                    self._parts = _by_size([*rest, one])
                # Else one of them changed or went away meanwhile: the next change tries again.
                assert self._classifier is not None
                self._classifier = self._classifier.adopting(classifier)
                self._move(self.snapshot.number, self.snapshot.targets, self.snapshot.gated)
            await self.drop_unused()
        except Exception as error:
            logger.warning("restrictions could not be merged, so they stay side by side: %s", type(error).__name__)

    def _move(self, number: int, targets: Mapping[str, ForgetTarget], gated: Mapping[str, str]) -> PolicySnapshot:
        assert self._classifier is not None
        always = tuple(dict.fromkeys(part.digest for part in self._parts if part.digest))
        snapshot = PolicySnapshot(number, targets, always, gated, self._classifier)
        used = {*always, *gated.values()}
        if self._screener:
            before = self._screener.snapshot
            self._retired |= {*before.always, *before.gated.values()}
        self._retired -= used
        self._screener = Screener(snapshot, self._lanes, self._metrics, self._engine.readings)
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


def _digests(parts: Sequence[Part]) -> set[str]:
    return {part.digest for part in parts if part.digest}


def _by_size(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: len(part.targets), reverse=True)
