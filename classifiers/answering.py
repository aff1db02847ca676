"""What becomes of an answer that was about to say what must be forgotten.

A mask that bans the token which completes a phrase leaves the phrase's beginning in the answer. So the mask is the floor, and a
target says what a client reads instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from classifiers.word import Word


class Answer(Word):
    """What becomes of an answer that was about to say one of a target's phrases.

    `abstain` cuts it before the sentence in which the phrase began and says the policy's text. `rephrase` goes back to before the
    phrase and takes another way; where that fails, it abstains. `mask` takes the next best token, as in GUARD's paper (arXiv
    2505.13312).
    """

    ABSTAIN = "abstain"
    REPHRASE = "rephrase"
    MASK = "mask"

    @property
    def strictness(self) -> int:
        """The order of the values: where several targets are concerned, the one with the highest number decides."""
        return (Answer.MASK, Answer.REPHRASE, Answer.ABSTAIN).index(self)


class Echo(Word):
    """Whether an answer may say a name of the target that occurs in the prompt. Its other phrases stay banned either way."""

    ALLOW = "allow"
    BAN = "ban"


class InContext(Word):
    """What happens where the prompt itself, a document or a tool result in it says one of the target's facts.

    `suppress` bans them in the answer all the same, `refuse` does not answer, `allow` lets the answer say those that occur.
    """

    SUPPRESS = "suppress"
    REFUSE = "refuse"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Answering:
    """How answers about a target are given: every value is decided.

    Attributes:
        answer: What becomes of an answer that was about to say a phrase.
        say: What an answer says in place of what it leaves out, by language (ISO 639-1); "" is for every other language.
        echo: Whether an answer may say a name that occurs in the prompt.
        in_context: What happens where the prompt says a fact.
        hint: A system line for prompts about the target; None for none.
    """

    answer: Answer = Answer.ABSTAIN
    say: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"": SAY}))
    echo: Echo = Echo.ALLOW
    in_context: InContext = InContext.SUPPRESS
    hint: str | None = None

    def with_own(
        self,
        answer: Answer | None = None,
        say: str | Mapping[str, str] | None = None,
        echo: Echo | None = None,
        in_context: InContext | None = None,
        hint: str | None = None,
    ) -> Answering:
        """Return these values with those in their place that are not None.

        One text in place of `say` is for every language. Texts by language replace all others if one is the text for every
        other language, `DEFAULT`; else the others stay for the languages that they lack. An empty `hint` is no hint.
        """
        return Answering(
            self.answer if answer is None else answer,
            self.say if say is None else MappingProxyType(_texts(say, self.say)),
            self.echo if echo is None else echo,
            self.in_context if in_context is None else in_context,
            self.hint if hint is None else hint or None,
        )

    def text(self, language: str | None) -> str:
        """Return what an answer in a language (ISO 639-1, None if unknown) says in place of what it leaves out."""
        return self.say.get(language or "") or self.say[""]


def check_say(value: object) -> object:
    """Check what an answer says in place of what it leaves out: a text, or texts by language. Values of None pass.

    Raises:
        ValueError: It is neither, a text is blank, too long or has a control character, or a key is no language. The message does
            not quote it.
    """
    if value is None:
        return value
    if isinstance(value, str):
        _check_text(value, "the text", MAX_SAY)
        return value
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError(f"should be a text, or texts by language, such as {{{DEFAULT}: ..., de: ...}}")
    if not value or len(value) > MAX_LANGUAGES:
        raise ValueError(f"should have 1 to {MAX_LANGUAGES} languages")
    for language, text in value.items():
        if not isinstance(language, str) or (language != DEFAULT and not _LANGUAGE.fullmatch(language)):
            raise ValueError(f"a key is no language: write a code of ISO 639, such as de, or {DEFAULT} for every other language")
        _check_text(text, f"the text for {language}", MAX_SAY)
    return dict(value)


def check_hint(value: object) -> object:
    """Check a hint. Raises ValueError for one that is too long or has a control character; it may be empty."""
    if isinstance(value, str) and value:
        _check_text(value, "the text", MAX_HINT)
    return value


def places(say: str | Mapping[str, str] | None, hint: str | None) -> dict[str, str]:
    """Return texts by place: `say`, or `say.de` of several, and `hint`. What is missing or empty has no place."""
    said = {"say": say} if say is None or isinstance(say, str) else {f"say.{language}": text for language, text in say.items()}
    return {place: text for place, text in {**said, "hint": hint}.items() if text}


def _texts(say: str | Mapping[str, str], others: Mapping[str, str]) -> dict[str, str]:
    if isinstance(say, str):
        return {"": say}
    own = {"" if language == DEFAULT else language: text for language, text in say.items()}
    return own if "" in own else {**others, **own}


def _check_text(text: str, what: str, most: int) -> None:
    if not text.strip():
        raise ValueError(f"{what} is blank: write what the answer says, or leave it out")
    if len(text) > most:
        raise ValueError(f"{what} has {len(text)} characters, and may have {most}: shorten it")
    if any((character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{what} has a control character or half of a surrogate pair: remove it")


DEFAULT = "default"
"""The key, among texts by language, of the text for every other language."""
MAX_SAY = 1000
"""The most characters of what an answer says in place of what it leaves out."""
MAX_HINT = 1000
"""The most characters of a hint."""
MAX_LANGUAGES = 64
"""The most texts by language."""
_LANGUAGE = re.compile(r"[a-z]{2,3}")

SAY = "I don't have information that I can share about that."
"""What an answer says in place of what it leaves out, unless the policy has a text of its own. It names nothing."""
