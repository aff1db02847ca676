"""An exception: a text that may be said although a phrase is in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.folding import DOT, SPACE
from guard.phrase import Phrase


@dataclass(frozen=True, slots=True)
class Excepted:
    """A text that may be said although phrases are in it: "Maryland" beside a target called Mary Land.

    It is matched as a phrase is, word by word. An occurrence of a phrase inside it is no occurrence. If the text goes on behind
    the phrase ("Potter Stewart" for the phrase "Potter"), an answer that has said the phrase must go on with the text to its end.

    Args:
        text: The text.
        phrases: The patterns (`Phrase.pattern`) of the phrases that may be said inside it; None for all.

    Raises:
        PhraseError: For a text that cannot be a phrase.
    """

    text: str
    phrases: frozenset[str] | None = None
    pattern: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", Phrase(self.text, force=True).pattern)


def closed_in(phrase: Phrase, exception: Excepted) -> bool:
    """Return whether the phrase's letters are among those of an exception for it. It is then not looked for letter by letter."""
    if exception.phrases is not None and phrase.pattern not in exception.phrases:
        return False
    return letters_of(phrase.pattern) in letters_of(exception.pattern)


def letters_of(pattern: str) -> str:
    """Return the letters and digits of a pattern, closed up."""
    return pattern.replace(SPACE, "").replace(DOT, "")
