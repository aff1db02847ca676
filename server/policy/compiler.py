"""The compiler makes restriction files of forget targets."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from classifiers import ForgetTarget
from classifiers.banned import near
from classifiers.meaning.neighbours import Neighbours, phrases_near
from classifiers.semantic import Near
from guard.errors import RestrictionError
from guard.excepted import Excepted, letters_of
from guard.forms.derive import derive
from guard.matching.listing import Listing
from guard.phrase import Phrase
from guard.restriction import Restriction
from server.policy.kept import Kept, key_of
from server.policy.parts import Compiled, Part

logger = logging.getLogger(__name__)

_WRITERS = 16
# The number of phrases whose forms may stay in memory. Those of 10,000 targets take 300 MB.
_DERIVED = 16_384


class Compiler:
    """Writes restrictions into `folder`; `neighbours` finds the words near anchors, and without it no target may have any.

    Only targets whose action bans phrases get restrictions (`Action.bans`).
    """

    def __init__(self, folder: Path, neighbours: Neighbours | None = None) -> None:
        self._folder = folder
        self._neighbours = neighbours

    def first(self, targets: Sequence[ForgetTarget]) -> tuple[Part, Compiled]:
        """Compile all targets of a server that starts: one restriction for every answer, and one of each target for its prompts.

        What an earlier process kept of a target that has not changed is not made again (`server.policy.kept`).

        Raises what `part` and `targets` raise.
        """
        kept = Kept.read(self._folder)
        places = kept.places()
        old = {found.pop(): target for target in targets if (found := places.get(self._key(target)))}
        unchanged = {target.id for target in old.values()}
        new = {target.id: target for target in targets if target.id not in unchanged}
        remaining = np.zeros(len(kept.keys), np.bool_)
        remaining[list(old)] = True
        listing = kept.listing.of_owners(remaining).and_listing(_listed(new.values()))
        part = self._part({target.id: target for target in (*map(old.__getitem__, sorted(old)), *new.values())}, listing)
        known = {target.id: digest for place, target in old.items() if (digest := kept.gated[place]) and self._holds(digest)}
        again = [t for place, t in old.items() if kept.gated[place] and t.id not in known]
        compiled = self.targets([*new.values(), *again], False)
        gated = known | dict(compiled.gated)
        if new or again or len(old) < len(kept.keys):
            self.keep([part], gated)
        return part, Compiled({}, gated)

    def part(self, targets: Mapping[str, ForgetTarget]) -> Part:
        """Compile into one restriction what `targets`, by id, ban in every answer.

        Raises:
            ValueError: They have more than four million phrases, forms included.
            OSError: The restriction cannot be written.
        """
        return self._part(targets, _listed(targets.values()))

    def without(self, part: Part, gone: Collection[str]) -> Part:
        """Compile a part without some of its targets. No form is derived again. Raises OSError if it cannot be written."""
        remaining = np.array([i not in gone for i in part.targets], np.bool_)
        kept = {i: target for i, target in part.targets.items() if i not in gone}
        return self._part(kept, _listing_of(part).of_owners(remaining))

    def merged(self, parts: Sequence[Part]) -> Part:
        """Compile parts into one. Raises what `part` raises."""
        return self._part(*_together(parts))

    def keep(self, parts: Sequence[Part], gated: Mapping[str, str]) -> None:
        """Keep what was compiled of all targets for the next start, and nothing of others. A failure is logged.

        Many derived forms are dropped from memory: the listings have them.

        Args:
            parts: The parts that hold all targets.
            gated: `Compiled.gated` of these.
        """
        targets, listing = _together(parts)
        if derive.cache_info().currsize > _DERIVED:
            derive.cache_clear()
        try:
            Kept([self._key(t) for t in targets.values()], [gated.get(i) for i in targets], listing).write(self._folder)
        except OSError as error:
            logger.warning("what was compiled is not kept, so the next start compiles it anew: %s", error)

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

    def _part(self, targets: Mapping[str, ForgetTarget], listing: Listing) -> Part:
        """Compile targets, which are the owners of a listing in this order."""
        if not listing.count:
            return Part(None, targets, listing)
        found = _concerned(targets, listing)
        phrases = [phrase for _, phrases in found for phrase in phrases]
        return Part(self._write(Restriction.of(listing, exceptions_of(found), phrases)), targets, listing)

    def _holds(self, digest: str) -> bool:
        """Return whether the folder holds a restriction undamaged."""
        try:
            Restriction.load(self._folder, digest)
        except RestrictionError:
            return False
        return True

    def _key(self, target: ForgetTarget) -> bytes:
        return key_of(target, self._neighbours.encoder.fingerprint if self._neighbours and target.anchors() else "")

    def _write(self, restriction: Restriction) -> str:
        restriction.save(self._folder)
        return restriction.digest


def _listed(targets: Iterable[ForgetTarget]) -> Listing:
    """List what targets ban in every answer."""
    return Listing.of([phrases_of(target, "always") for target in targets])


def _listing_of(part: Part) -> Listing:
    return _listed(part.targets.values()) if part.listing is None else part.listing


def _together(parts: Sequence[Part]) -> tuple[dict[str, ForgetTarget], Listing]:
    """Return the targets of parts and what they list, with the targets as owners in this order."""
    targets: dict[str, ForgetTarget] = {}
    listings = []
    for part in parts:
        targets |= part.targets
        listings.append(_listing_of(part))
    # The smallest first, so that the largest is copied once.
    while len(listings) > 1:
        last = listings.pop()
        listings[-1] = listings[-1].and_listing(last)
    return targets, listings[0] if listings else _listed([])


def _concerned(targets: Mapping[str, ForgetTarget], listing: Listing) -> list[tuple[ForgetTarget, list[Phrase]]]:
    """Return the targets that exceptions concern, with what they ban in every answer: all that `exceptions_of` has to know.

    These are the targets with exceptions; those that ban a phrase, too, that such a target bans and that may occur in its
    exception; and those with any phrase that occurs in an exception.

    Args:
        targets: The owners of the listing, in this order.
        listing: What they ban in every answer.
    """
    owners: set[int] = set()
    for number, target in enumerate(targets.values()):
        if not target.excepted or not listing.phrases[number]:
            continue
        owners.add(number)
        phrases = phrases_of(target, "always")
        for exception in map(Excepted, target.excepted):
            owners |= listing.inside(exception.pattern)
            for phrase in near(phrases, letters_of(exception.pattern)):
                owners |= listing.banning(phrase.pattern)
    ordered = list(targets.values())
    return [(ordered[owner], phrases_of(ordered[owner], "always")) for owner in sorted(owners)]


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
    """Return the phrases that a target bans with this scope; none unless its action bans phrases.

    All phrases of a target that is refused are gated: they are banned where a request about it is answered all the same.
    """
    if not target.action.bans:
        return []
    if not target.action.bans_always:
        return target.all_phrases() if scope == "gated" else []
    return [phrase for phrase in target.all_phrases() if phrase.scope == scope]
