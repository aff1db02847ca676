"""The verifier: what of an answer must not leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from classifiers.reading.decoders import Kind
from classifiers.target import ForgetTarget
from classifiers.verifying.allowed import Allowed
from classifiers.verifying.disguises import Shown, located, shown
from classifiers.verifying.facts import NearFacts
from classifiers.verifying.finding import Finding, merged
from classifiers.verifying.names import Names
from classifiers.verifying.occurrences import Said, Search
from classifiers.verifying.offsets import Folded
from classifiers.verifying.profile import profile_of
from classifiers.verifying.words import Word, words_of
from guard.folding import fold, fold_sentences
from guard.restriction import Restriction

MOST_HIDDEN = 4
"""The most hidden places of a text that are located one by one. After these the rest of the text is one finding."""


@dataclass(frozen=True, slots=True)
class _Secret:
    """A phrase that a text hides: how, its letters, and the matched target that it belongs to."""

    kind: Kind
    letters: str
    owner: str | None


class Verifier:
    """Finds in an answer what the mask keeps out of it, what the mask cannot see, and what the mask leaves.

    - "exact": what a restriction bans, as the mask finds it.
    - "disguised": the same in another reading of the text (`classifiers.reading`).
    - "name": a word that is nearly a banned word of a matched target (`classifiers.verifying.names`).
    - "fact": three quarters of the letters of a matched target's name or phrase, in order (`classifiers.verifying.facts`).

    Allowed texts, their inflected forms and their words are never findings; neither is what an exception excuses.
    """

    def __init__(self, targets: Sequence[ForgetTarget], restrictions: Sequence[Restriction], allowed: Sequence[str] = ()) -> None:
        """Prepare to read the texts of one answer.

        Args:
            targets: The matched targets. Those whose action bans nothing do not count.
            restrictions: All that are in force for the answer.
            allowed: Texts that the answer may say although they are banned.
        """
        self._allowed = Allowed(allowed)
        self._profiles = [profile_of(target) for target in targets if target.action.bans]
        self._known = frozenset().union(*(profile.patterns for profile in self._profiles))
        self._searches = [Search(restriction) for restriction in restrictions]
        self._names = Names(self._profiles, self._allowed)
        self._facts = NearFacts(self._profiles, self._allowed)

    def findings(self, text: str) -> list[Finding]:
        """Return what of a text must not leave, in order, without overlaps; [] if nothing.

        Ordinary prose takes a time that is linear in its length. Nothing is remembered from one text to the next.
        """
        if not text or text.isspace():
            return []
        found = [*self._exact(text)]
        if self._searches:
            found += self._hidden(text)
        if self._profiles:
            words = words_of(text)
            nearly = [*self._names.findings(words), *self._facts.findings(words)]
            found += self._unexcepted(nearly, words) if nearly else ()
        return merged(found)

    def _unexcepted(self, found: Sequence[Finding], words: Sequence[Word]) -> Iterator[Finding]:
        """Yield the findings that are not inside an exception of their target."""
        texts = tuple(word.text for word in words)
        excepted = [
            (words[at].start, words[at + len(own) - 1].end, profile.target_id)
            for profile in self._profiles
            for own in profile.excepted
            for at in range(len(texts) - len(own) + 1)
            if texts[at : at + len(own)] == own
        ]
        for one in found:
            if not any(start <= one.start and one.end <= end and owner == one.target_id for start, end, owner in excepted):
                yield one

    def _exact(self, text: str) -> Iterator[Finding]:
        folded = Folded(text)
        for said in self._said(folded.data):
            yield Finding(*folded.span(said.begin, said.end), "exact", self._owner(folded.data, said))

    def _said(self, folded: bytes, form: Shown | None = None) -> Iterator[Said]:
        """Yield what a folded text says that is banned; `form`: what kind of text it is, None for one that is read as it is."""
        for search in self._searches:
            found: list[Said] = []
            if form is None or form.whole_words:
                found += search.words(folded, self._known)
            if form is None or not form.folded:
                found += [*search.letters(folded), *search.gapped(folded)]
            if form is not None and (not form.whole_words or form.kind == "spelled"):
                found += search.letters(folded, anywhere=True)
            yield from (said for said in found if not self._is_allowed(folded, said))

    def _is_allowed(self, folded: bytes, said: Said) -> bool:
        words = said.words or fold(folded[said.begin : said.end].decode()).split()
        return self._allowed.has(words) or self._allowed.has_letters("".join(words))

    def _owner(self, folded: bytes, said: Said) -> str | None:
        """Return the matched target to which a phrase belongs, if it is one of theirs, with an ending or none."""
        own = " ".join(said.words).encode() if said.words else folded[said.begin : said.end]
        pattern = b" ".join(own.replace(b".", b" ").split())
        for size in range(len(pattern), max(len(pattern) - 8, 0), -1):
            for profile in self._profiles:
                if pattern[:size] in profile.patterns:
                    return profile.target_id
        return None

    def _hidden(self, text: str) -> Iterator[Finding]:
        """Yield the places where a text hides what it does not say."""
        parts = [(0, len(text))]
        for _ in range(MOST_HIDDEN):
            if not parts:
                return
            start, end = parts.pop()
            secret = self._secret(text[start:end])
            if secret is None:
                continue
            first, last = located(text, start, end, partial(self._hides, secret))
            yield Finding(first, last, "disguised", secret.owner)
            parts += [part for part in ((start, first), (last, end)) if text[slice(*part)].strip()]
        for start, end in parts:
            if (secret := self._secret(text[start:end])) is not None:
                yield Finding(start, end, "disguised", secret.owner)

    def _hides(self, secret: _Secret, text: str) -> bool:
        return any(one.letters == secret.letters for one in self._secrets(text, secret.kind))

    def _secret(self, text: str) -> _Secret | None:
        """Return the longest phrase that a text hides; None if there is none."""
        return max(self._secrets(text), key=lambda one: len(one.letters), default=None)

    def _secrets(self, text: str, kind: Kind | None = None) -> Iterator[_Secret]:
        """Yield what a text hides and does not say; `kind`: in this way alone."""
        plain: Counter[str] | None = None
        for form in shown(text):
            if kind is not None and form.kind != kind:
                continue
            folded = form.text.encode() if form.folded else fold_sentences(form.text).encode()
            found = [
                (letters, said) for said in self._said(folded, form) if len(letters := _letters(folded, said)) >= form.letters
            ]
            if not found:
                continue
            if plain is None:
                own = fold_sentences(text).encode()
                plain = Counter(_letters(own, said) for said in self._said(own))
            shows = Counter(letters for letters, _ in found)
            # A reading holds the plain text around what was hidden, too.
            yield from (
                _Secret(form.kind, letters, self._owner(folded, said))
                for letters, said in found
                if shows[letters] > plain[letters]
            )


def _letters(folded: bytes, said: Said) -> str:
    return folded[said.begin : said.end].decode().replace(" ", "").replace(".", "")


def warm() -> None:
    """Compile the verifier's loops and load its lists of words, so that the first answer does not wait for them.

    After an installation this takes half a minute, because numba compiles; later it takes a second.
    """
    target = ForgetTarget(id="warm", name="Yun-Hwa Hsiao", aliases=["Quuxington"])
    Verifier([target], [Restriction.compile(target.all_phrases())]).findings("Quuxingtan is H4rry. Yun-Hwa Min Hsiao\nHsiao")
