"""Warnings about a target that is accepted: what it does that the person who wrote it may not expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from classifiers import ForgetTarget
from classifiers.anchors import is_description
from classifiers.answering import Answering, places
from classifiers.banned import near, says
from guard.excepted import Excepted, letters_of
from guard.forms.judgement import made_of_ordinary_words
from guard.frequency import ordinary, zipf
from guard.phrase import MIN_COMPACT, Phrase
from guard.reference import occurrences

# From which Zipf value on each word of a name of two is so common that others have the name; and a name of one word.
_COMMON_PART = 4.2
_COMMON_WORD = 4.0


def warnings_of(target: ForgetTarget, defaults: Answering | None = None) -> list[str]:
    """Return the warnings about a target. They name places (`aliases[1]`) and quote nothing.

    Args:
        target: The target.
        defaults: The server's texts for targets without texts of their own; None if they are not known.
    """
    return [
        *_names(target),
        *_common(target),
        *_topic(target),
        *_unguarded(target),
        *_closed_up(target),
        *_exceptions(target),
        *(_defaults(target, defaults) if defaults else ()),
    ]


def _names(target: ForgetTarget) -> Iterator[str]:
    explicit = {phrase.folded for phrase in target.phrases}
    for place, name in _places(target):
        folded = Phrase(name, force=True).folded
        if " " in folded and folded not in explicit and made_of_ordinary_words(name):
            yield (
                f"{place} is made of ordinary words, so it is banned only in answers to prompts about the target, and a prompt "
                "that says these words is taken for one: list it as a phrase with the scope always to ban it in every answer"
            )


def _common(target: ForgetTarget) -> Iterator[str]:
    """Warn of names that others have or that are ordinary words: a prompt that says one is taken for one about the target."""
    for place, name in _places(target):
        words = Phrase(name, force=True).folded.split()
        if is_description(name) or min(map(zipf, words)) < (_COMMON_WORD if len(words) == 1 else _COMMON_PART):
            continue
        if len(words) == 1:
            yield (
                f"{place} is a common word or name, and each prompt that says it is taken to be about the target: leave it out, "
                "or write the whole name"
            )
        elif len(words) == 2 and not made_of_ordinary_words(name):
            yield (
                f"{place} has common words alone, so others may have the same name, and prompts about them are taken to be about "
                "the target: add a middle name or what the person is known for, if that is what prompts say"
            )


def _topic(target: ForgetTarget) -> Iterator[str]:
    if is_description(target.name) and not target.examples:
        yield (
            "name describes a topic and is no proper name, so without examples the target is found only in prompts with these "
            "words: add questions about it as examples"
        )


def _unguarded(target: ForgetTarget) -> Iterator[str]:
    if not target.action.answers and not target.phrases:
        yield (
            "phrases are missing: a request in which only a system text or an earlier turn is about the target is answered, and "
            "the answer may say all but its names: list what must not be said"
        )


def _closed_up(target: ForgetTarget) -> Iterator[str]:
    own = {phrase.folded: phrase for phrase in target.own_phrases()}
    named = [(f"phrases[{index}]", phrase.folded) for index, phrase in enumerate(target.phrases)]
    named += [(place, Phrase(name, force=True).folded) for place, name in _places(target)]
    for place, folded in named:
        letters = folded.replace(" ", "")
        phrase = own.pop(folded, None)
        if phrase and phrase.scope == "always" and " " in folded and len(letters) >= MIN_COMPACT and ordinary(letters):
            yield (
                f"the letters of {place} in one are an ordinary word, which stays allowed: letters written apart are found only "
                "with a space, a hyphen or a dot between each two"
            )


def _defaults(target: ForgetTarget, defaults: Answering) -> Iterator[str]:
    """Warn of texts for every target that say a phrase of this one. Their author could not know the phrase."""
    used = target.answering(defaults)
    texts = {"say": used.say.values(), "hint": [used.hint or ""]}
    own = places(target.say, target.hint).values()
    for place, said in texts.items():
        if any(text not in own and says(text, target.all_phrases()) for text in said):
            yield (
                f"the server's default for `{place}` says a name or a phrase of the target: give the target a text of its own, "
                "or change the default"
            )


def _exceptions(target: ForgetTarget) -> Iterator[str]:
    phrases = target.all_phrases() if target.excepted else []
    for index, text in enumerate(target.excepted):
        pattern = Excepted(text).pattern
        if _goes_on(pattern, phrases):
            yield (
                f"except[{index}] goes on behind a phrase in it, so an answer that has said the phrase must go on to the end of "
                "the exception"
            )


def _goes_on(pattern: str, phrases: Sequence[Phrase]) -> bool:
    folded = f" {pattern.replace('.', '. ')}"
    return any(end < len(folded) for phrase in near(phrases, letters_of(pattern)) for end in occurrences(phrase, folded))


def _places(target: ForgetTarget) -> list[tuple[str, str]]:
    return [("name", target.name), *((f"aliases[{index}]", alias) for index, alias in enumerate(target.aliases))]
