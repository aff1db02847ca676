"""What becomes of an answer that was about to say what must be forgotten.

A mask that bans the token which completes a phrase leaves the phrase's beginning in the answer. So the mask is the floor, and a
target says what a client reads instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Answer(StrEnum):
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


class Echo(StrEnum):
    """Whether an answer may say a name of the target that occurs in the prompt. Its other phrases stay banned either way."""

    ALLOW = "allow"
    BAN = "ban"


class InContext(StrEnum):
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

    def text(self, language: str | None) -> str:
        """Return what an answer in a language (ISO 639-1, None if unknown) says in place of what it leaves out."""
        return self.say.get(language or "") or self.say[""]


SAY = "I don't have information that I can share about that."
"""What an answer says in place of what it leaves out, unless the policy has a text of its own. It names nothing."""
