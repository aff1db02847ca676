"""The exceptions: one base, and phrases named by their position."""

from __future__ import annotations

import pytest

from guard import errors
from guard.errors import GuardError, PhraseError, RestrictionError


def test_every_exception_is_a_guard_error() -> None:
    made = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(made) == 8
    assert all(issubclass(kind, GuardError) for kind in made)


@pytest.mark.parametrize("kind", [errors.UnknownRestriction, errors.CorruptRestriction, errors.FormatMismatch])
def test_whoever_catches_restriction_errors_catches_each_reason(kind: type[Exception]) -> None:
    assert issubclass(kind, RestrictionError)


@pytest.mark.parametrize("kind", [errors.PhraseError, errors.VocabularyError, errors.ArgumentError])
def test_what_a_caller_gave_wrongly_is_a_value_error(kind: type[Exception]) -> None:
    assert issubclass(kind, ValueError)


def test_a_phrase_error_names_the_position() -> None:
    error = PhraseError("too long", 3)
    assert (str(error), error.index) == ("phrase 3: too long", 3)


def test_a_phrase_made_alone_has_no_position() -> None:
    error = PhraseError("too long")
    assert (str(error), error.index) == ("too long", None)
