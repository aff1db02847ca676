"""Deriving the forms of a phrase from the rules of each kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from guard.form import FORM_KINDS, Form
from guard.forms.cases import finnish, slavic
from guard.forms.dates import dates, find
from guard.forms.distinctive import distinctive_words, is_distinctive
from guard.forms.endings import endings_for
from guard.forms.judgement import are_ordinary, looks_like_name
from guard.forms.names import Part, folded_words, split_name
from guard.forms.numbers import numbers, years
from guard.forms.people import initialled, is_personal, join, orders, without_middle
from guard.forms.spelling import arabic_prefixes, closed_up, spelled, umlauts, voiced
from guard.frequency import commonness, english_words, ordinary, ordinary_from
from guard.phrase import MAX_CHARACTERS, FormKind, Phrase, Scope
from guard.stopwords import COMMON_WORDS

Words = tuple[str, ...]

MAX_FORMS = 64
"""The most forms of one phrase."""
# The fewest letters of a last word that may carry any ending: shorter ones often become other words.
_SHORTEST_STEM = 4
_LONGEST_GAPPED = 2
_PLURALS = ("s", "es")


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a phrase, the likeliest first, and how many more were left out."""

    forms: tuple[Form, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Made:
    kind: FormKind
    words: Words
    ending: bool = False
    gap: bool = False
    gated: bool = False


def forms_of(phrase: Phrase, *, name: bool, kinds: Collection[FormKind] = FORM_KINDS) -> tuple[Form, ...]:
    """Return the forms of a phrase, the likeliest first, at most 64.

    A form has the scope, match and penalty of the phrase, except a distinctive word, which is always gated. None repeats the
    phrase or another form. A phrase that is matched as `prefix` or `substring` has only forms of the kind `spelling`; a phrase
    with a beta below 1 or of stop words alone has none. The result is cached. The phrase's own `forms` is not read: pass it as
    `kinds`.

    Args:
        phrase: Any phrase.
        name: Whether it is a name of the target. Another phrase is treated as a name if it looks like one.
        kinds: The kinds of forms wanted.
    """
    return derive(phrase, name, frozenset(kinds)).forms


def forms_left_out(phrase: Phrase, *, name: bool, kinds: Collection[FormKind] = FORM_KINDS) -> int:
    """Return how many forms `forms_of` leaves out because there are more than 64."""
    return derive(phrase, name, frozenset(kinds)).left_out


def inflected(phrase: Phrase) -> tuple[Form, ...]:
    """Return the phrase with the endings of its last word, as forms.

    Unlike the kind `inflection`, this is for ordinary words, too: "wizards". Where an ending would make another word, there is
    only the English plural.
    """
    own = tuple(phrase.folded.split())
    found = (made for made in _single(own, True) if made.ending or made.words != own)
    return tuple(Form.derived(phrase, " ".join(made.words), phrase.scope, "inflection", made.ending) for made in found)


# Enough for the phrases of ten thousand targets: an import reads them twice, for every answer and for prompts about each target.
@lru_cache(maxsize=131_072)
def derive(phrase: Phrase, name: bool, kinds: frozenset[FormKind]) -> Forms:
    """Return the forms of a phrase and how many were left out; `forms_of` says which."""
    own = tuple(phrase.folded.split())
    if not kinds or not own or phrase.beta < 1 or COMMON_WORDS.issuperset(own):
        return Forms((), 0)
    seen = {(own, False, False, phrase.scope)}
    forms: list[Form] = []
    left_out = 0
    for made in _made(phrase, own, name or looks_like_name(phrase.text), kinds):
        scope: Scope = "gated" if made.gated else phrase.scope
        text = " ".join(made.words)
        # Folded again, because in scripts without spaces each letter becomes a word of its own.
        words = made.words if text.isascii() else folded_words(text)
        key = (words, made.ending, made.gap, scope)
        # What a form with an ending matches includes what the same form without one matches.
        if not words or key in seen or (words, True, made.gap, scope) in seen or (made.gated and words == own):
            continue
        seen.add(key)
        text = " ".join(words)
        if len(text) > MAX_CHARACTERS:
            continue
        if len(forms) == MAX_FORMS:
            left_out += 1
            continue
        forms.append(Form.derived(phrase, text, scope, made.kind, made.ending, made.gap))
    return Forms(tuple(forms), left_out)


def _made(phrase: Phrase, own: Words, name: bool, kinds: frozenset[FormKind]) -> Iterator[_Made]:
    text = phrase.text
    if phrase.match == "word":
        inflected = "inflection" in kinds
        parts = split_name(text)
        plain = are_ordinary(parts)
        if inflected:
            yield from _inflections(own, name, plain)
        if name and is_personal(parts):
            yield from _personal(text, own, parts, plain, kinds)
        elif name and len(parts) == 1 and parts[0].words != own and "word" in kinds:  # "Lord Voldemort"
            yield from (made for words in distinctive_words(parts) for made in _single(words, inflected))
    if "spelling" in kinds:
        if name:
            yield from (_Made("spelling", words) for words in umlauts(text, own))
        yield from (_Made("spelling", words) for words in closed_up(text))
        yield from (_Made("spelling", words) for words in voiced(text))
    if phrase.match != "word":
        return
    if "inflection" in kinds:
        yield from (_Made("inflection", words) for words in arabic_prefixes(text))
        if name:
            yield from _cases(text, own, "word" in kinds)
    if "date" in kinds:
        yield from (_Made("date", words) for words in dates(own))
    if "number" in kinds:
        date = find(own)
        written = years(own, date.year) if date else numbers(own, alone=phrase.scope == "always")
        yield from (_Made("number", words) for words in written)
    if "spelled" in kinds and not phrase.compact:
        yield from (_Made("spelled", words) for words in spelled(own))


def _personal(text: str, own: Words, parts: list[Part], plain: bool, kinds: frozenset[FormKind]) -> Iterator[_Made]:
    """Yield the forms of a person's name."""
    inflected = "inflection" in kinds
    if "word" in kinds:
        for words in distinctive_words(parts):
            yield from _single(words, inflected)
    core = join(parts)
    if "middle" in kinds and len(parts) <= _LONGEST_GAPPED and not plain:
        yield _Made("middle", own, ending=inflected, gap=True)
        if core != own:
            yield _Made("middle", core, ending=inflected, gap=True)
    others: list[tuple[FormKind, Words]] = []
    if core != own:
        others.append(("order" if len(core) == len(own) else "middle", core))
    others += [("order", words) for words in orders(parts)]
    others += [("middle", words) for words in without_middle(parts)]
    if text.lower() != text.upper():  # other scripts have no initials
        others += [("initials", words) for words in initialled(text, parts)]
    for kind, words in others:
        if kind in kinds:
            yield _Made(kind, words, ending=inflected and not plain and _stem(words))


def _stem(words: Words) -> bool:
    """Return whether the last of several words may carry any ending of its script."""
    return len(words[-1]) >= _SHORTEST_STEM and bool(endings_for(words[-1]))


def _inflections(words: Words, name: bool, plain: bool) -> Iterator[_Made]:
    last = words[-1]
    if not endings_for(last):
        return
    if len(words) == 1:
        # "Glasses" is another word than "glass".
        if last not in english_words():
            yield from (
                _Made("inflection", made.words, made.ending)
                for made in _single(words, True)
                if made.ending or made.words != words
            )
    elif _stem(words) and not plain:
        yield _Made("inflection", words, ending=True)
    elif (name or len(last) >= _SHORTEST_STEM) and last not in COMMON_WORDS:
        yield from (_Made("inflection", (*words[:-1], plural)) for plural in _plurals(last))


def _plurals(word: str) -> tuple[str, ...]:
    """Return the English plural of a word, which is also its possessive where the apostrophe is left out."""
    if not word.isascii() or len(word) < 3:
        return ()
    return (word + "es",) if word.endswith(("s", "x", "z", "ch", "sh")) else (word + "s",)


def _single(words: Words, inflected: bool) -> Iterator[_Made]:
    """Yield one distinctive word, with any ending unless an ending makes an ordinary word of it: "pottery" is not of Potter."""
    last = words[-1]
    if not inflected:
        yield _Made("word", words, gated=True)
    elif len(last) >= _SHORTEST_STEM and endings_for(last) and not _other_word("".join(words), endings_for(last)):
        yield _Made("word", words, ending=True, gated=True)
    else:
        yield _Made("word", words, gated=True)
        yield from (_Made("word", (*words[:-1], plural), gated=True) for plural in _plurals(last))


def _other_word(stem: str, endings: frozenset[str]) -> bool:
    """Return whether an ending makes another word of a stem.

    The forms of a well-known name ("Einsteins") are on the lists of words, too, but they are rarer than the name itself. A plural
    never counts.
    """
    known = commonness(stem)
    return any(
        (word in english_words() or commonness(word) > known)
        for word in ordinary_from(stem)
        if (ending := word[len(stem) :]) in endings and ending not in _PLURALS
    )


def _cases(text: str, own: Words, words_too: bool) -> Iterator[_Made]:
    """Yield the inflected forms of a name whose stem changes, and its inflected surname alone if that is distinctive."""
    yield from (_Made("inflection", words, ending) for words, ending in finnish(own))
    cases = [folded_words(" ".join(words)) for words in slavic(text)]
    yield from (_Made("inflection", words) for words in cases)
    if len(own) > 1:
        yield from (_Made("inflection", (*words[-1:], *words[:-1])) for words in cases)
        if words_too and is_distinctive(own[-1], last=True):
            alone = [words[-1] for words in cases if words[-1] != own[-1] and not ordinary(words[-1])]
            yield from (
                _Made("word", (word,), gated=True) for word in alone if word.removeprefix(own[-1]) not in endings_for(word)
            )
