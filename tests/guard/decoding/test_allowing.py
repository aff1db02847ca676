"""Allowed texts: what may be said in one answer although it is a phrase, and what remains banned beside it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from guard.decoding.allowing import allowing, patterns_of
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.form import Form
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import scripts, strategies
from tests.guard.bans import costs


@settings(max_examples=300, deadline=None)
@given(scripts.scripts(excepting=False, allowing=True))
def test_bans_with_allowed_texts_are_those_of_the_reference(script: scripts.Script) -> None:
    scripts.check(script)


@settings(max_examples=300, deadline=None)
@given(scripts.scripts(allowing=True))
def test_bans_with_allowed_texts_and_exceptions_are_those_of_the_reference(script: scripts.Script) -> None:
    scripts.check(script)
