"""A phrase: one text that must not be said, and how the guard looks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from guard.doubt import doubt
from guard.errors import PhraseError
from guard.folding import fold

Scope = Literal["always", "gated"]
MatchKind = Literal["word", "prefix", "substring"]
FormKind = Literal["inflection", "order", "initials", "middle", "word", "date", "number", "spelling", "spelled"]

MAX_CHARACTERS = 512
# A phrase has a compact form if it has at least MIN_COMPACT letters and digits, which makes it specific enough to be found with
# anything between its letters, and if they take at most MAX_COMPACT bytes: a cursor remembers for 64 bytes which began a word.
MIN_COMPACT = 8
MAX_COMPACT = 64


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text that must not be said.

    Args:
        text: The text. Case, accents, punctuation and spacing do not matter; see `guard.folding`.
        scope: `always` applies to every answer, `gated` only to answers to prompts that are about the target.
        match: `word` matches between word boundaries, `prefix` also the beginning of a longer word, `substring` anywhere.
        penalty: What is subtracted from the logit of a token that would complete the phrase. Infinity bans the token.
        beta: The fraction, in (0, 1], of the folded characters at which the penalty applies. With 1 it applies to the token that
            completes the phrase; with less, to the token that completes this fraction of it, whatever would come next. GUARD
            (arXiv 2505.13312) counts tokens instead of characters.
        force: Allow a phrase that is probably not meant (`guard.doubt`): stop words alone ("the"), one letter ("C++"), two single
            letters ("R&D"), a control character, or a word of scripts that no language mixes.
        forms: The kinds of forms that count as this phrase (`guard.form`); None for those of its target.

    Raises:
        PhraseError: For text that is not valid Unicode, has no letter or digit, has more than 512 characters, or is
            probably not meant and not forced; an unknown scope or match; a penalty that is not above zero; a beta outside
            (0, 1].
    """

    text: str
    scope: Scope = "always"
    match: MatchKind = "word"
    penalty: float = math.inf
    beta: float = 1.0
    force: bool = field(default=False, compare=False)
    forms: tuple[FormKind, ...] | None = field(default=None, compare=False)
    # The folded text, which is what is compared, without the spaces around it.
    folded: str = field(init=False, repr=False, compare=False)

    # pydantic reads this where a phrase is part of a policy file. The core itself does not depend on pydantic.
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if self.scope not in ("always", "gated"):
            raise PhraseError(f"scope must be 'always' or 'gated', not {self.scope!r}")
        if self.match not in ("word", "prefix", "substring"):
            raise PhraseError(f"match must be 'word', 'prefix' or 'substring', not {self.match!r}")
        if not self.penalty > 0:
            raise PhraseError(f"penalty must be above zero, not {self.penalty}")
        if not 0 < self.beta <= 1:
            raise PhraseError(f"beta must be above 0 and at most 1, not {self.beta}")
        if len(self.text) > MAX_CHARACTERS:
            raise PhraseError(f"{len(self.text)} characters are too many: shorten the text to {MAX_CHARACTERS} or fewer")
        if not self.text.isascii() and any("\ud800" <= character <= "\udfff" for character in self.text):
            raise PhraseError("the text is not valid Unicode: it contains half of a surrogate pair")
        object.__setattr__(self, "folded", fold(self.text).strip())
        if not self.folded:
            raise PhraseError("the text has no letter or digit: the guard compares nothing else")
        if not self.force and (reason := doubt(self.text, self.folded)):
            raise PhraseError(reason)

    @property
    def reached(self) -> str:
        """The beginning of the folded text that must be said for the penalty to apply: the fraction `beta`, rounded up."""
        if self.beta == 1:
            return self.folded
        return self.folded[: math.ceil(self.beta * len(self.folded) - 1e-9)].rstrip()

    @property
    def whole_word(self) -> bool:
        """Whether a match must end at a word's end: for a `word`, unless `beta` cuts it inside one of its words."""
        return self.match == "word" and (self.beta == 1 or self.folded[len(self.reached) :][:1] in ("", " "))

    @property
    def compact(self) -> str:
        """The letters and digits alone, to find "H-a-r-r-y P-o-t-t-e-r".

        Empty unless the scope is `always` and there are at least 8 letters and digits, in at most 64 bytes.
        """
        letters = self.folded.replace(" ", "")
        fits = len(letters) >= MIN_COMPACT and len(letters.encode()) <= MAX_COMPACT
        return letters if self.scope == "always" and fits else ""
