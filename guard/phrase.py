"""A phrase: one piece of text that must not be said, and how it is looked for."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from guard.errors import PhraseError
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

Scope = Literal["always", "gated"]
MatchKind = Literal["word", "prefix", "substring"]

MAX_CHARACTERS = 512
# Letters and digits that make a phrase specific enough to be looked for whatever stands between them; and the most bytes of
# them, since the cursor remembers of so many which began a word.
MIN_COMPACT = 8
MAX_COMPACT = 64


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text that must not be said.

    `scope`: `always` bans it in every answer, `gated` only where the prompt is about the target. `match`: `word` stands alone
    between word boundaries, `prefix` also begins a longer word, `substring` may stand anywhere. `penalty`: in logits; infinite
    is a ban, a finite one is subtracted. `beta` in (0, 1]: the fraction of the folded characters at which the penalty strikes; 1
    waits for the whole phrase, less strikes when so much of it has been said, whatever would follow (GUARD, arXiv 2505.13312,
    counts tokens instead). `force` allows a phrase that is made of stop words alone.

    Raises PhraseError for text that is not valid Unicode, folds to nothing, is longer than 512 characters or holds stop words
    alone ("the"), an unknown scope or match, a penalty that is not above zero, and a beta outside (0, 1].
    """

    text: str
    scope: Scope = "always"
    match: MatchKind = "word"
    penalty: float = math.inf
    beta: float = 1.0
    force: bool = field(default=False, compare=False)
    # The text as it is compared, without the spaces around it.
    folded: str = field(init=False, repr=False, compare=False)

    # Read by pydantic where a phrase is part of a policy file; the core itself does not depend on pydantic.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if self.scope not in ("always", "gated"):
            raise PhraseError(f"unknown scope {self.scope!r}")
        if self.match not in ("word", "prefix", "substring"):
            raise PhraseError(f"unknown match {self.match!r}")
        if not self.penalty > 0:
            raise PhraseError(f"penalty must be above zero, not {self.penalty}")
        if not 0 < self.beta <= 1:
            raise PhraseError(f"beta must be above 0 and at most 1, not {self.beta}")
        if len(self.text) > MAX_CHARACTERS:
            raise PhraseError(f"{len(self.text)} characters, at most {MAX_CHARACTERS}")
        if not self.text.isascii() and any("\ud800" <= character <= "\udfff" for character in self.text):
            raise PhraseError("not valid Unicode: half of a surrogate pair")
        object.__setattr__(self, "folded", fold(self.text).strip())
        if not self.folded:
            raise PhraseError("empty after folding")
        if not self.force and COMMON_WORDS.issuperset(self.folded.split()):
            raise PhraseError("made of stop words alone: it would silence ordinary answers; force it if that is meant")

    @property
    def reached(self) -> str:
        """The part of the folded text at which the penalty strikes: its first `beta`, rounded up to whole characters."""
        if self.beta == 1:
            return self.folded
        return self.folded[: math.ceil(self.beta * len(self.folded) - 1e-9)].rstrip()

    @property
    def whole_word(self) -> bool:
        """Whether a word must end where the phrase is reached: always, or where a part of it ends with a word of the phrase."""
        return self.match == "word" and (self.beta == 1 or self.folded[len(self.reached) :][:1] in ("", " "))

    @property
    def compact(self) -> str:
        """Letters and digits alone, for finding H-a-r-r-y P-o-t-t-e-r; "" unless the phrase is always banned and has eight of
        them in at most 64 bytes."""
        letters = self.folded.replace(" ", "")
        fits = len(letters) >= MIN_COMPACT and len(letters.encode()) <= MAX_COMPACT
        return letters if self.scope == "always" and fits else ""
