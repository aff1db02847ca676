"""The compiler makes restriction files of forget targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from classifiers import ForgetTarget
from classifiers.banned import near
from classifiers.meaning.neighbours import Neighbours, phrases_near
from classifiers.semantic import Near
from guard.excepted import Excepted, letters_of
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
    """

    always: Mapping[str, str]
    gated: Mapping[str, str]

    @property
    def digests(self) -> set[str]:
        """All digests."""
        return {*self.always.values(), *self.gated.values()}


class Compiler:
    """Writes restrictions into `folder`; `neighbours` finds the words near anchors, and without it no target may have any.

    Only targets whose action bans phrases get restrictions (`Action.bans`).
    """

    def __init__(self, folder: Path, neighbours: Neighbours | None = None) -> None:
        self._folder = folder
        self._neighbours = neighbours

    def first(self, targets: Sequence[ForgetTarget]) -> tuple[Part, Compiled]:
        """Compile all targets of a server that starts: one restriction for every answer, and one of each target for its prompts.

        Raises what `part` and `targets` raise.
        """
        return self.part({target.id: target for target in targets}), self.targets(targets, False)

    def part(self, targets: Mapping[str, ForgetTarget]) -> Part:
        """Compile into one restriction what `targets`, by id, ban in every answer. Raises OSError if it cannot be written."""
        restriction = _compiled(targets.values(), "always")
        return Part(self._write(restriction) if restriction else None, targets)

    def targets(self, targets: Sequence[ForgetTarget], always: bool = True) -> Compiled:
        """Compile each target by itself; unless `always`, leave out what it bans in every answer.

        Raises:
            ValueError: a target has anchors, and there is nothing to compare them with, or they cannot be compared; the message
                names it.
            OSError: a restriction or the vectors of the word list cannot be written.
            Exception: what the encoder raises.
        """
        for_all = {t.id: restriction for t in targets if always and (restriction := _compiled([t], "always"))}
        words = self._near([target for target in targets if target.action.bans])
        gated = {t.id: restriction for t in targets if (restriction := _compiled([t], "gated", words.get(t.id, ())))}
        # Writing a file waits for the disk. In parallel, all files wait once.
        with ThreadPoolExecutor(_WRITERS) as writers:
            always_digests, gated_digests = (
                dict(zip(compiled, writers.map(self._write, compiled.values()), strict=True)) for compiled in (for_all, gated)
            )
        return Compiled(always_digests, gated_digests)

    def _near(self, targets: Sequence[ForgetTarget]) -> Mapping[str, Sequence[Near]]:
        """Return the words near the anchors of targets, by target id."""
        if self._neighbours is not None:
            return self._neighbours.of(targets)
        if named := next((target.id for target in targets if target.anchors()), None):
            raise ValueError(f"target {named} has semantic words, which cannot be compiled without an encoder")
        return {}

    def _write(self, restriction: Restriction) -> str:
        restriction.save(self._folder)
        return restriction.digest


def _compiled(targets: Iterable[ForgetTarget], scope: str, words: Iterable[Near] = ()) -> Restriction | None:
    """Compile what targets ban with this scope, without what they except, and `words`; None if there is nothing."""
    found = [(target, phrases_of(target, scope)) for target in targets]
    banned = [phrase for _, phrases in found for phrase in phrases] + list(phrases_near(words))
    return Restriction.compile(banned, exceptions=exceptions_of(found)) if banned else None


def exceptions_of(found: Sequence[tuple[ForgetTarget, Sequence[Phrase]]]) -> list[Excepted]:
    """Return the exceptions of targets that are compiled together, each with the patterns that may be said inside it.

    These are patterns of the target's own phrases and forms. A pattern that another of the targets bans, too, may be said only if
    that target has the same exception.

    Args:
        found: Each target with the phrases that it bans.
    """
    excepting: dict[str, dict[str, Excepted]] = {}
    for target, phrases in found:
        if target.excepted and phrases:
            excepting[target.id] = {exception.pattern: exception for exception in map(Excepted, target.excepted)}
    if not excepting:
        return []
    owners: dict[str, list[str]] = {}
    for target, phrases in found:
        for pattern in {phrase.pattern for phrase in phrases}:
            owners.setdefault(pattern, []).append(target.id)
    allowed: dict[str, set[str]] = {}
    texts: dict[str, str] = {}
    for target, phrases in found:
        for pattern, exception in excepting.get(target.id, {}).items():
            texts.setdefault(pattern, exception.text)
            allowed.setdefault(pattern, set()).update(
                phrase.pattern
                for phrase in near(phrases, letters_of(pattern))
                if all(pattern in excepting.get(owner, ()) for owner in owners[phrase.pattern])
            )
    return [Excepted(texts[pattern], frozenset(patterns)) for pattern, patterns in allowed.items() if patterns]


def phrases_of(target: ForgetTarget, scope: str) -> list[Phrase]:
    """Return the phrases that a target bans with this scope; none unless its action bans phrases."""
    return [phrase for phrase in target.all_phrases() if phrase.scope == scope] if target.action.bans else []
