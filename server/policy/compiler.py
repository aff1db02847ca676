"""The compiler makes restriction files of forget targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from classifiers import Encoder, ForgetTarget
from guard.errors import GuardError
from guard.phrase import Phrase
from guard.restriction import Restriction

_WRITERS = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One restriction with what several targets ban in every answer.

    Attributes:
        digest: the digest of the restriction; None if the targets ban nothing.
        targets: the targets by id, as they were when the restriction was compiled.
    """

    digest: str | None
    targets: Mapping[str, ForgetTarget]


@dataclass(frozen=True, slots=True)
class Compiled:
    """Restrictions of single targets.

    Attributes:
        always: digests of the restrictions for every answer, by target id.
        gated: digests of the restrictions for answers to prompts about the target, by target id.
        anchors: whether any of these has words that answers must not come close to in meaning.
    """

    always: Mapping[str, str]
    gated: Mapping[str, str]
    anchors: bool

    @property
    def digests(self) -> set[str]:
        """All digests."""
        return {*self.always.values(), *self.gated.values()}


class Compiler:
    """Writes restrictions into `folder`; `encoder` encodes semantic words.

    Only targets whose action bans phrases get restrictions (`Action.bans`).
    """

    def __init__(self, folder: Path, encoder: Encoder | None = None) -> None:
        self._folder = folder
        self._encoder = encoder

    def first(self, targets: Sequence[ForgetTarget]) -> tuple[Part, Compiled]:
        """Compile all targets of a server that starts: one restriction for every answer, and one of each target for its prompts.

        Raises what `part` and `targets` raise.
        """
        return self.part({target.id: target for target in targets}), self.targets(targets, False)

    def part(self, targets: Mapping[str, ForgetTarget]) -> Part:
        """Compile into one restriction what `targets`, by id, ban in every answer. Raises OSError if it cannot be written."""
        phrases = [phrase for target in targets.values() for phrase in phrases_of(target, "always")]
        return Part(self._write(Restriction.compile(phrases)) if phrases else None, targets)

    def targets(self, targets: Sequence[ForgetTarget], always: bool = True) -> Compiled:
        """Compile each target by itself; unless `always`, leave out what it bans in every answer.

        Raises:
            ValueError: a target has semantic words, and there is no encoder, or they cannot be compared; the message names it.
            OSError: a restriction cannot be written.
            Exception: what the encoder raises.
        """
        for_all = {t.id: Restriction.compile(phrases) for t in targets if always and (phrases := phrases_of(t, "always"))}
        gated = {target.id: restriction for target in targets if (restriction := self._gated(target))}
        # Writing a file waits for the disk. In parallel, all files wait once.
        with ThreadPoolExecutor(_WRITERS) as writers:
            always_digests, gated_digests = (
                dict(zip(compiled, writers.map(self._write, compiled.values()), strict=True)) for compiled in (for_all, gated)
            )
        return Compiled(always_digests, gated_digests, any(restriction.anchors for restriction in gated.values()))

    def _gated(self, target: ForgetTarget) -> Restriction | None:
        if not target.action.bans:
            return None
        if target.semantic and self._encoder is None:
            raise ValueError(f"target {target.id} has semantic words, which cannot be compiled without an encoder")
        anchors = None
        if target.semantic and self._encoder:
            try:
                anchors = target.semantic.anchors(self._encoder.encode, self._encoder.fingerprint)
            except GuardError as error:
                raise ValueError(f"target {target.id}: the encoder cannot compare its semantic words: {error}") from error
        phrases = phrases_of(target, "gated")
        return Restriction.compile(phrases, anchors) if phrases or anchors else None

    def _write(self, restriction: Restriction) -> str:
        restriction.save(self._folder)
        return restriction.digest


def phrases_of(target: ForgetTarget, scope: str) -> list[Phrase]:
    """Return the phrases that a target bans with this scope; none unless its action bans phrases."""
    return [phrase for phrase in target.all_phrases() if phrase.scope == scope] if target.action.bans else []
