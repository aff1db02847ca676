"""The compiler: forget targets to restriction files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from classifiers import Encoder, ForgetTarget
from guard.phrase import Phrase
from guard.restriction import Restriction

_WRITERS = 16


@dataclass(frozen=True, slots=True)
class Part:
    """What targets ban in every answer, in one restriction: its digest, None if they ban nothing, and the targets by id, as they
    were when it was compiled."""

    digest: str | None
    targets: Mapping[str, ForgetTarget]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Restrictions of single targets, digests by target id: for every answer, and for answers to prompts about the target.

    `anchors`: whether any of them has words to keep away from in meaning.
    """

    always: Mapping[str, str]
    gated: Mapping[str, str]
    anchors: bool

    @property
    def digests(self) -> set[str]:
        """All of them."""
        return {*self.always.values(), *self.gated.values()}


class Compiler:
    """Writes restrictions into a folder. Only targets that are to be suppressed make any: a refused prompt has no answer, a
    watched one a free one."""

    def __init__(self, folder: Path, encoder: Encoder | None = None) -> None:
        self._folder = folder
        self._encoder = encoder

    def part(self, targets: Mapping[str, ForgetTarget]) -> Part:
        """Compile what `targets`, by id, ban in every answer into one restriction. Raises OSError if it cannot be written."""
        phrases = [phrase for target in targets.values() for phrase in phrases_of(target, "always")]
        return Part(self._write(Restriction.compile(phrases)) if phrases else None, targets)

    def targets(self, targets: Sequence[ForgetTarget], always: bool = True) -> Compiled:
        """Compile each target by itself; without what it bans in every answer unless `always`.

        Raises ValueError if a target has words to keep away from in meaning, and there is no encoder for them, what the encoder
        raises, and OSError if a restriction cannot be written.
        """
        for_all = {t.id: Restriction.compile(phrases) for t in targets if always and (phrases := phrases_of(t, "always"))}
        gated = {target.id: restriction for target in targets if (restriction := self._gated(target))}
        # Each file waits for the disk; together they wait once.
        with ThreadPoolExecutor(_WRITERS) as writers:
            always_digests, gated_digests = (
                dict(zip(compiled, writers.map(self._write, compiled.values()), strict=True)) for compiled in (for_all, gated)
            )
        return Compiled(always_digests, gated_digests, any(restriction.anchors for restriction in gated.values()))

    def _gated(self, target: ForgetTarget) -> Restriction | None:
        if not target.action.bans:
            return None
        if target.semantic and self._encoder is None:
            raise ValueError(f"target {target.id} has semantic words: they cannot be compiled without an encoder")
        anchors = None
        if target.semantic and self._encoder:
            anchors = target.semantic.anchors(self._encoder.encode, self._encoder.fingerprint)
        phrases = phrases_of(target, "gated")
        return Restriction.compile(phrases, anchors) if phrases or anchors else None

    def _write(self, restriction: Restriction) -> str:
        restriction.save(self._folder)
        return restriction.digest


def phrases_of(target: ForgetTarget, scope: str) -> list[Phrase]:
    """Return what a target bans with this scope; nothing unless it is to be suppressed."""
    return [phrase for phrase in target.all_phrases() if phrase.scope == scope] if target.action.bans else []
