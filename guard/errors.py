"""The exceptions of the decode-time core.

GuardError
├── PhraseError          a phrase that cannot be used; names it by index
├── RestrictionError     a restriction that cannot be used
│   ├── UnknownRestriction   no file has that digest
│   ├── CorruptRestriction   the file is truncated, was changed, or is no restriction
│   └── FormatMismatch       the file has another format version
├── VocabularyError      a tokenizer whose tokens cannot be turned into bytes
└── ArgumentError        the guard argument of a request is missing or malformed
"""

from __future__ import annotations


class GuardError(Exception):
    """The base class of all exceptions that the decode-time core raises on purpose."""


class PhraseError(GuardError, ValueError):
    """A phrase cannot be used.

    Attributes:
        index: Its position in the list that was given; None if there was no list.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message if index is None else f"phrase {index}: {message}")
        self.index = index


class RestrictionError(GuardError):
    """A restriction cannot be used."""


class UnknownRestriction(RestrictionError):
    """No restriction with this digest is stored here."""


class CorruptRestriction(RestrictionError):
    """The file is truncated, was changed, or does not hold a restriction."""


class FormatMismatch(RestrictionError):
    """The file has another version of the format."""


class VocabularyError(GuardError, ValueError):
    """The bytes of a tokenizer's tokens cannot be determined."""


class ArgumentError(GuardError, ValueError):
    """The guard argument of a request is missing or malformed."""
