"""A phrase: one text that must not be said, and how the guard looks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from guard.doubt import doubt
from guard.errors import PhraseError
from guard.folding import DOT, SPACE, fold_sentences
from guard.frequency import ordinary
from guard.recut import recut
from guard.stopwords import COMMON_WORDS

Scope = Literal["always", "gated"]
MatchKind = Literal["word", "prefix", "substring"]
FormKind = Literal["inflection", "order", "initials", "middle", "word", "date", "number", "spelling", "spelled"]

MAX_CHARACTERS = 512
MIN_CUT = 4
"""The fewest letters and digits to which beta may cut a phrase."""
BRIEF = 3
"""A word of at most this many letters does not end a sentence: an initial, a title ("Dr. Grey"), an abbreviation."""
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
            completes the phrase; with less, to each token that completes this fraction of it or more, whatever would come next.
            GUARD (arXiv 2505.13312) counts tokens instead of characters.
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
    # What is looked for in folded text: its words, with a space between them, or a dot where a sentence ends.
    pattern: str = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "pattern", _pattern(self.text))
        if not self.pattern:
            raise PhraseError("the text has no letter or digit: the guard compares nothing else")
        if not self.force and (reason := doubt(self.text, self.folded)):
            raise PhraseError(reason)
        if self.beta < 1 and not self.force:
            self._check_cut()

    def _check_cut(self) -> None:
        cut = _words(self.reached).split()
        if COMMON_WORDS.issuperset(cut):
            raise PhraseError("beta cuts the phrase to stop words, which would block ordinary answers: raise beta, or set force")
        if sum(map(len, cut)) < MIN_CUT:
            raise PhraseError(
                f"beta cuts the phrase to fewer than {MIN_CUT} letters or digits, which would block ordinary answers: "
                "raise beta, or set force if you mean it"
            )

    @property
    def folded(self) -> str:
        """The folded words, with single spaces between them."""
        return _words(self.pattern)

    @property
    def reached(self) -> str:
        """The beginning of the pattern that must be said for the penalty to apply: the fraction `beta`, rounded up."""
        if self.beta == 1:
            return self.pattern
        return self.pattern[: math.ceil(self.beta * len(self.pattern) - 1e-9)].rstrip(SPACE + DOT)

    def ends(self) -> list[tuple[str, bool]]:
        """Return the beginnings of the pattern to which the penalty applies, each with whether a word must end there.

        These are the pattern and, if beta is below 1, each of its beginnings from `reached` on. A `word` must end where its
        pattern ends, and so must a beginning that ends at the end of a word.
        """
        if self.beta == 1:
            return [(self.pattern, self.match == "word")]
        ends = []
        for length in range(len(self.reached), len(self.pattern) + 1):
            if self.pattern[length - 1] not in SPACE + DOT:
                following = self.pattern[length : length + 1]
                ends.append((self.pattern[:length], self.match == "word" and following in ("", SPACE, DOT)))
        return ends

    @property
    def compact(self) -> str:
        """The letters and digits alone, to find "H-a-r-r-y P-o-t-t-e-r".

        Empty unless the scope is `always`, there are at least 8 letters and digits in at most 64 bytes, and the letters in one
        are neither an ordinary word nor other words: a target called Mary Land must not ban Maryland, nor one called Justin Case
        "just in case".
        """
        letters = self.folded.replace(SPACE, "")
        fits = len(letters) >= MIN_COMPACT and len(letters.encode()) <= MAX_COMPACT
        if self.scope != "always" or not fits:
            return ""
        words = self.folded.split()
        return "" if len(words) > 1 and (ordinary(letters) or recut(words)) else letters


def _pattern(text: str) -> str:
    """Return what is looked for: the folded words with a space between them, or a dot where a sentence ends in the phrase."""
    found: list[str] = []
    for word in fold_sentences(text).strip(SPACE + DOT).replace(DOT + SPACE, "\n").replace(DOT, SPACE).split("\n"):
        # A word that is as short as an initial or a title does not end a sentence.
        brief = bool(found) and len(found[-1].rpartition(SPACE)[2]) <= BRIEF
        found += [SPACE if brief else DOT, word] if found else [word]
    return "".join(found)


def _words(pattern: str) -> str:
    return pattern.replace(DOT, SPACE)
