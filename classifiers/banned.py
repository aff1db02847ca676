"""What a target bans: its explicit phrases, its names, the forms of both, and the texts that stay allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from guard.doubt import doubt
from guard.errors import PhraseError
from guard.excepted import Excepted, letters_of
from guard.folding import fold_sentences
from guard.form import FORM_KINDS
from guard.forms.derive import forms_left_out, forms_of
from guard.forms.judgement import made_of_ordinary_words
from guard.frequency import ordinary
from guard.matching.exceptions import check
from guard.phrase import FormKind, Phrase
from guard.reference import occurrences

Reason = Literal["explicit", "name"] | FormKind

MAX_EXCEPTED = 256
"""The most exceptions of one target."""


@dataclass(frozen=True, slots=True)
class Banned:
    """A phrase that a target bans.

    Attributes:
        phrase: The phrase.
        reason: "explicit", "name", or the kind of the form that it is.
        source: The phrase that it is a form of; None if it is no form.
    """

    phrase: Phrase
    reason: Reason
    source: Phrase | None = None


def own(names: Iterable[str], phrases: Iterable[Phrase]) -> list[Banned]:
    """Return the explicit phrases, then the phrases made of the names, without repetitions and forms.

    A name makes a phrase of the scope `always` if it has two or more folded words and is not made of ordinary words
    (`guard.forms.judgement`), else a `gated` one. A name that would need `force` (`guard.doubt`) makes none. Neither does a name
    whose folded text equals that of an explicit phrase.
    """
    explicit = list(dict.fromkeys(phrases))
    said = {phrase.folded for phrase in explicit}
    found = [Banned(phrase, "explicit") for phrase in explicit]
    for name in names:
        # A prompt about a person called Will is found by that name, but only an explicit phrase can ban the word "will".
        phrase = _of_name(name)
        if phrase is not None and phrase.folded not in said:
            said.add(phrase.folded)
            found.append(Banned(phrase, "name"))
    return found


@lru_cache(maxsize=16_384)
def _of_name(name: str) -> Phrase | None:
    phrase = Phrase(name, force=True)
    if doubt(name, phrase.folded):
        return None
    return Phrase(name, scope="always" if " " in phrase.folded and not made_of_ordinary_words(name) else "gated")


def with_forms(banned: Sequence[Banned], kinds: Collection[FormKind] | None) -> list[Banned]:
    """Return the phrases, then the forms of each, without repetitions.

    A form whose pattern is that of another of the phrases is left out: the person who wrote that phrase decides its scope, its
    penalty and its forms.

    Args:
        banned: What `own` returns.
        kinds: The kinds of forms of phrases that do not name their own; None for all.
    """
    found = list(banned)
    owners = {one.phrase.folded for one in banned}
    seen: set[tuple[object, ...]] = set()
    for one in banned:
        phrase = one.phrase
        for form in forms_of(phrase, name=one.reason == "name", kinds=_kinds(phrase, kinds)):
            if form.pattern in owners and (form.pattern != phrase.folded or not (form.ending or form.gap)):
                continue
            key = (form.pattern, form.match, form.scope, form.penalty, form.ending, form.gap)
            if key not in seen:
                seen.add(key)
                found.append(Banned(form, form.kind, phrase))
    return found


def left_out(banned: Iterable[Banned], kinds: Collection[FormKind] | None) -> int:
    """Return how many forms `with_forms` lacks because a phrase has more than `guard.forms.derive.MAX_FORMS`."""
    return sum(forms_left_out(o.phrase, name=o.reason == "name", kinds=_kinds(o.phrase, kinds)) for o in banned)


def _kinds(phrase: Phrase, kinds: Collection[FormKind] | None) -> Collection[FormKind]:
    chosen = kinds if phrase.forms is None else phrase.forms
    return FORM_KINDS if chosen is None else chosen


def near(phrases: Iterable[Phrase], letters: str) -> Iterator[Phrase]:
    """Yield the phrases that may occur in a text with these closed-up letters; the others cannot. This is fast."""
    for phrase in phrases:
        beginning = phrase.reached.replace(".", " ").split(" ", 1)[0]
        if beginning in letters:
            yield phrase


def check_exceptions(texts: Sequence[str], phrases: Sequence[Phrase]) -> None:
    """Check that each exception makes sense beside the phrases of its target, forms included.

    Raises:
        PhraseError: A text cannot be an exception, is one of the phrases, or has none in it. The message begins with its place,
            such as `except[2]: `, and does not quote it.
    """
    for index, text in enumerate(texts):
        try:
            exception = Excepted(text)
            check(exception, near(phrases, letters_of(exception.pattern)))
        except PhraseError as error:
            raise PhraseError(f"except[{index}]: {error}") from None


def check_says_none(texts: Mapping[str, str], phrases: Sequence[Phrase]) -> None:
    """Check that texts which clients or the model read say no phrase of a target, forms included.

    Args:
        texts: The texts by their place.
        phrases: All phrases of the target.

    Raises:
        PhraseError: One does. The message begins with its place, such as `say.de: `, and does not quote it.
    """
    for place, text in texts.items():
        if says(text, phrases):
            raise PhraseError(f"{place}: it says a name or a phrase of the target: write a text that names nothing")


def says(text: str, phrases: Sequence[Phrase]) -> bool:
    """Return whether one of the phrases occurs in a text."""
    folded = f" {fold_sentences(text)}"
    return any(occurrences(phrase, folded) for phrase in near(phrases, letters_of(folded)))


def check_cut(phrase: Phrase) -> None:
    """Check that beta does not cut a phrase of the scope `always` to one word that ordinary answers need.

    Raises:
        PhraseError: It does, and the phrase is not forced.
    """
    if phrase.beta == 1 or phrase.scope != "always" or phrase.force:
        return
    reached = phrase.reached
    if " " not in reached and "." not in reached and reached != phrase.pattern and ordinary(reached):
        raise PhraseError(
            "beta cuts the phrase to one ordinary word or well-known name, which every answer would then lack: "
            "raise beta, use the scope gated, or set force if you mean it"
        )
