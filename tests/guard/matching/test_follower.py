"""The follower: what it holds back, what goes with a hit, and what might come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import Phrase, Restriction
from guard.excepted import Excepted
from guard.form import Form
from guard.forms import forms_of
from guard.matching.follower import Follower
from tests.guard import scripts, strategies
from tests.guard.matching import begun

NAMES = [Phrase("Harry Potter"), Phrase("Joanne Rowling"), Phrase("Hogwarts", "gated"), Phrase("哈利波特"), Phrase("O'Brien-Smyth")]
KNOWN = Restriction.compile([*NAMES, *(form for name in NAMES for form in forms_of(name, name=True))])
TEXTS = st.text(strategies.ALPHABET + "a\u0301\u200b…㎏", max_size=14)
PIECES = st.lists(st.text(strategies.ALPHABET, max_size=5), max_size=6)


def at_end(text: str, restriction: Restriction = KNOWN) -> Follower:
    follower = Follower([restriction])
    follower.feed(text)
    return follower


def held(text: str, count: int) -> str:
    return text[len(text) - count :]


@settings(max_examples=400, deadline=None)
@given(strategies.phrases, st.one_of(TEXTS, PIECES.map(" ".join), strategies.SENTENCES))
def test_what_is_begun_is_what_more_text_could_complete(phrases: list[Phrase], text: str) -> None:
    text = text.replace("A", "a")  # a capital letter may be an initial
    follower = Follower([Restriction.compile(phrases)])
    for end, character in enumerate(text, start=1):
        follower.feed(character)
        assert follower.length - follower.begun == begun.start(phrases, text[:end])


@settings(max_examples=200, deadline=None)
@given(scripts.scripts(excepting=False))
def test_the_same_for_names_with_one_more_word(script: scripts.Script) -> None:
    text = b"".join(script.tokens[k] or b"" for k in script.said).decode(errors="replace")
    follower = Follower([Restriction.compile(script.phrases)])
    for end, character in enumerate(text, start=1):
        follower.feed(character)
        assert follower.length - follower.begun == begun.start(script.phrases, text[:end])
