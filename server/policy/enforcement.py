"""Enforcement: the policy that the engine's workers and the classifier hold, and how it changes while requests run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from classifiers import Encoder, ForgetTarget
from classifiers.answering import Answering
from classifiers.detection import Detection
from classifiers.live import LiveClassifier
from classifiers.meaning.encoder import Vectors
from classifiers.meaning.neighbours import Neighbours
from guard.restriction import SUFFIX
from server.engine.protocol import Engine
from server.metrics import Metrics
from server.policy.compiler import Compiler
from server.policy.held import Held
from server.policy.merging import Merging
from server.policy.parts import MOST_PARTS, Compiled, Part, Prepared, digests_of, tiers_of
from server.screening.judging import Judging
from server.screening.lanes import Lanes
from server.screening.screener import Screener, most_windows
from server.screening.snapshot import PolicySnapshot

logger = logging.getLogger(__name__)

T = TypeVar("T")
Defaults = tuple[Answering, Detection]
"""How targets that do not say it are answered, and which texts count for them."""

_MANY = 1000  # changed targets from which on what was compiled, in seconds, is kept at once and not only when nothing changes
_LEAST_WINDOWS = 1024  # windows that a request may have, whatever the model's context


class Enforcement:
    """Holds the snapshot in force, and replaces it only after every worker has acknowledged what the new one needs.

    A new target gets a small restriction of its own beside larger ones of merged targets. The restriction that contains a changed
    or removed target is compiled anew without it, from the listing of its part, so that no phrase stays banned longer than it
    should. A request keeps the snapshot it was admitted under. Restrictions that no request and no snapshot uses any more are
    deleted from the workers and from the disk. When nothing changes, and after many changes, what was compiled is kept in a file
    for the next start. Changes are made one at a time: call `commit` inside `changing`.
    """

    def __init__(
        self, engine: Engine, near: Neighbours, lanes: Lanes, folder: Path, metrics: Metrics, defaults: Defaults | None = None
    ) -> None:
        self._engine = engine
        self.neighbours = near
        self.lanes = lanes
        self._folder = folder
        self._metrics = metrics
        self._defaults, self._detection = defaults or (Answering(), Detection())
        self.judging: Judging | None = None
        """Asks a judge about matches in doubt. Set it before `commit_start`."""
        self._compiler = Compiler(folder, near)
        self.held = Held(folder)
        """The restrictions that this process itself reads."""
        # Held while the snapshot or the classifier is replaced: by a change, a merge or new limits.
        self._lock = asyncio.Lock()
        self._parts = tiers_of([])
        self._classifier: LiveClassifier | None = None
        self._screener: Screener | None = None
        self._users: dict[int, int] = {}
        self._retired: set[str] = set()
        # What the file holds that is kept for the next start: these targets; and how many have changed since.
        self._kept: Mapping[str, ForgetTarget] | None = None
        self._unkept = 0
        self._merging = Merging(self._merge, self._is_whole)
        self._dropping: asyncio.Task[None] | None = None

    @property
    def screener(self) -> Screener:
        """The screener of the snapshot in force."""
        if self._screener is None:
            raise RuntimeError("no policy is enforced yet: call `start` and `commit_start` first")
        return self._screener

    @property
    def snapshot(self) -> PolicySnapshot:
        """The snapshot in force."""
        return self.screener.snapshot

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[Screener]:
        """Give a request the snapshot in force, and keep its restrictions loaded until the request ends."""
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
                    # A task of its own: the request has its answer and should not wait for a change that is being made.
                    self._dropping = asyncio.create_task(self.drop_unused())

    async def start(
        self, targets: Sequence[ForgetTarget], classifier: LiveClassifier, compiled: tuple[Part, Compiled] | None = None
    ) -> None:
        """Make the workers ready for the first snapshot, which `commit_start` then puts in force.

        Args:
            targets: All targets.
            classifier: A classifier of these targets.
            compiled: What `Compiler.first` made of these targets; None if it is still to be made.

        Raises:
            EngineFailure: A worker does not acknowledge in time.
            ValueError, OSError: What `Compiler.first` raises.
        """
        if compiled is None:
            compiled = await self._run(self._compiler.first, targets)
        part, gated = compiled
        await self._load(digests_of([part]) | gated.digests)
        await self._run(self.held.keep, digests_of([part]))
        self._parts, self._classifier = tiers_of([part]), classifier
        self._started = ({target.id: target for target in targets}, gated)

    def commit_start(self, number: int) -> PolicySnapshot:
        """Put what `start` prepared in force as snapshot `number`, and delete unused files that an earlier process left."""
        listed, compiled = self._started
        snapshot = self._move(number, listed, dict(compiled.gated))
        self._kept = listed
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
        """Encodes the examples of targets."""
        return self.neighbours.encoder

    @asynccontextmanager
    async def changing(
        self, upserted: Sequence[ForgetTarget], removed: Collection[str], vectors: Mapping[str, Vectors] | None = None
    ) -> AsyncIterator[Prepared]:
        """Make the workers ready for a change, which `commit` puts in force inside the context; without it, nothing changes.

        Args:
            upserted: Targets that are new or that replace the target with the same id.
            removed: The ids of targets that are removed.
            vectors: By target id, the vectors of examples that need not be encoded.

        Yields:
            The prepared change.

        Raises:
            EngineFailure: A worker does not acknowledge in time.
            OSError: A restriction cannot be written.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        async with self._lock:
            assert self._classifier is not None
            snapshot = self.snapshot
            touched = {target.id for target in upserted}.union(removed)

            def kept(mapping: Mapping[str, T]) -> dict[str, T]:
                return {i: value for i, value in mapping.items() if i not in touched}

            listed = kept(snapshot.targets) | {target.id: target for target in upserted}
            # Side by side: both take a tenth of a second or more of a long list.
            changed = self._run(self._classifier.changed, upserted, removed, vectors)
            classifier, (parts, compiled) = await asyncio.gather(changed, self._compiled(upserted, touched))
            await self._load((digests_of(parts) - digests_of(self._parts)) | compiled.digests)
            await self._run(self.held.keep, digests_of(parts))
            gated = kept(snapshot.gated) | dict(compiled.gated)
            yield Prepared(listed, self._parts.of(parts), gated, classifier, compiled, len(upserted))

    async def _compiled(self, upserted: Sequence[ForgetTarget], touched: set[str]) -> tuple[list[Part], Compiled]:
        """Compile changed targets, and without what is `touched` the parts that hold it."""
        parts = [part for part in self._parts if touched.isdisjoint(part.targets)]
        for part in self._parts:
            if not touched.isdisjoint(part.targets) and not part.targets.keys() <= touched:
                parts.append(await self._run(self._compiler.without, part, touched))
        # Many new targets get one restriction together, not one each.
        many = len(upserted) > MOST_PARTS
        compiled = await self._run(self._compiler.targets, upserted, not many)
        if many:
            parts.append(await self._run(self._compiler.part, {target.id: target for target in upserted}))
        else:
            parts += [Part(compiled.always.get(target.id), {target.id: target}) for target in upserted]
        return parts, compiled

    def commit(self, prepared: Prepared, number: int) -> PolicySnapshot:
        """Put a prepared change in force as snapshot `number`: it decides all requests that are admitted from now on."""
        self._parts, self._classifier = prepared.parts, prepared.classifier
        snapshot = self._move(number, prepared.targets, prepared.gated)
        self._unkept += prepared.changed
        self._merging.after_change(self._parts.need_merging or self._classifier.needs_merging or self._unkept >= _MANY)
        return snapshot

    def renumber(self, number: int) -> None:
        """Give the same state the snapshot number `number`."""
        self._move(number, self.snapshot.targets, self.snapshot.gated)

    async def limit(self, limits: Mapping[str, float], raised: Mapping[str, float] | None = None) -> None:
        """Use other limits in the classifier, by target id (`LiveClassifier.limited`)."""
        async with self._lock:
            assert self._classifier is not None
            self._classifier = await self._run(self._classifier.limited, limits, raised)
            self._move(self.snapshot.number, self.snapshot.targets, self.snapshot.gated)

    async def merge(self) -> None:
        """Merge all restrictions and names now, so that nothing of removed or changed targets stays in memory or on the disk."""
        await self._merging.everything()

    def stop(self) -> None:
        """Cancel merging, now and when nothing changes."""
        self._merging.stop()

    async def acknowledged(self) -> tuple[int, Sequence[int]]:
        """Ask every worker which restrictions it holds.

        Returns the number of restrictions that the snapshot in force needs, and for each worker how many of these it holds.
        Raises EngineFailure if a worker does not answer.
        """
        while True:
            snapshot = self.snapshot
            needed = sorted({*snapshot.always, *snapshot.gated.values()})
            held = await self._engine.held(needed)
            # If the snapshot has changed meanwhile, workers may have deleted restrictions that only the old one needs: ask again.
            if self.snapshot is snapshot:
                return len(needed), held

    async def drop_unused(self) -> None:
        """Delete from workers and disk the restrictions of earlier snapshots, unless a request under one of these still runs."""
        # Not during a change: it may be about to use a retired restriction again.
        async with self._lock:
            if not self._retired or self._in_use:
                return
            gone, self._retired = self._retired, set()
            await self._engine.forget(sorted(gone))
            self.held.drop(gone)
            for digest in gone:
                (self._folder / (digest + SUFFIX)).unlink(missing_ok=True)

    @property
    def _in_use(self) -> bool:
        """Whether a request under an earlier snapshot still runs."""
        return bool(self._users.keys() - {id(self._screener)})

    def _is_whole(self) -> bool:
        whole = len(self._parts) <= 1 and self._classifier is not None and self._classifier.whole
        return whole and self._kept is self.snapshot.targets

    async def _merge(self, whole: bool) -> None:
        """Merge the smallest parts, or all if `whole`, while requests and changes continue; then keep the result."""
        try:
            earlier, merged = self._classifier, self._parts.to_merge(whole)
            assert earlier is not None
            one = await self._run(self._compiler.merged, merged) if len(merged) > 1 else None
            classifier = await self._run(earlier.merged, whole)
            async with self._lock:
                # If a target in one of the merged parts has changed meanwhile, the next change tries again.
                if one and self._parts.holds(merged):
                    await self._load(digests_of([one]))
                    await self._run(self.held.keep, digests_of([one]))
                    self._parts = self._parts.replaced(merged, one)
                assert self._classifier is not None
                self._classifier = self._classifier.adopting(classifier)
                self._move(self.snapshot.number, self.snapshot.targets, self.snapshot.gated)
                parts, snapshot = self._parts, self.snapshot
            await self.drop_unused()
            if whole or self._unkept >= _MANY:
                self._unkept = 0
                await self._run(self._compiler.keep, tuple(parts), snapshot.gated)
                self._kept = snapshot.targets
        except Exception as error:
            logger.warning(
                "restrictions were not merged and remain separate: %s; the next change tries again", type(error).__name__
            )

    def _move(self, number: int, targets: Mapping[str, ForgetTarget], gated: Mapping[str, str]) -> PolicySnapshot:
        assert self._classifier is not None
        always = tuple(dict.fromkeys(part.digest for part in self._parts if part.digest))
        snapshot = PolicySnapshot(number, targets, always, gated, self._classifier, self._defaults, self._detection)
        used = {*always, *gated.values()}
        if self._screener:
            before = self._screener.snapshot
            self._retired |= {*before.always, *before.gated.values()}
        self._retired -= used
        most = most_windows(self._engine.context_length)
        self._screener = Screener(snapshot, self.lanes, self._metrics, self._engine.readings, self.judging, most)
        self._metrics.snapshot(number)
        return snapshot

    async def _load(self, digests: Collection[str]) -> None:
        if digests:
            await self._engine.load(sorted(digests))

    async def _run(self, call: Callable[..., T], *arguments: Any) -> T:
        # Not in the screening thread: a request must not wait until a list is compiled.
        return await asyncio.to_thread(call, *arguments)
