"""A form: another way to write a phrase that counts as the phrase."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, get_args

from guard.folding import DOT, SPACE
from guard.phrase import FormKind, Phrase, Scope

FORM_KINDS: Final[tuple[FormKind, ...]] = get_args(FormKind)
"""All kinds of forms, in the order in which they are listed."""


_MOST_WORDS = 4


@dataclass(frozen=True, slots=True)
class Form(Phrase):
    """A phrase that `guard.forms` derives from another phrase.

    Args:
        kind: How it differs from the phrase.
        ending: Whether its last word may carry one of `guard.forms.endings.ENDINGS`: "Harry Potters".
        gap: Whether one more word may come between two of its words: "Harry James Potter".
    """

    kind: FormKind = "spelling"
    ending: bool = False
    gap: bool = False

    @property
    def gaps(self) -> bool:
        """Whether `gap` has an effect: a name of two to four words, in which no sentence ends."""
        return self.gap and DOT not in self.pattern and 0 < self.pattern.count(SPACE) < _MOST_WORDS

    @property
    def compact(self) -> str:
        """Nothing: the phrase itself is found by its letters, and its forms are not."""
        return ""

    @classmethod
    def derived(cls, phrase: Phrase, words: str, scope: Scope, kind: FormKind, ending: bool = False, gap: bool = False) -> Form:
        """Return a form with the match and the penalty of `phrase`, without folding and checking its text again.

        Args:
            phrase: The phrase.
            words: Folded words with a space between them, not above the length of a phrase.
            scope: The scope of the form.
            kind: The kind of the form.
            ending: Whether its last word may carry an ending.
            gap: Whether one more word may come between two of its words.
        """
        form = object.__new__(cls)
        values = (words, scope, phrase.match, phrase.penalty, 1.0, True, None, words, kind, ending, gap)
        for put, value in zip(_PUT, values, strict=True):
            put(form, value)
        return form


# The slots of a form in the order of its fields; written directly, because a frozen dataclass has no other way that is fast.
_PUT = tuple(getattr(Form, field.name).__set__ for field in fields(Form))
