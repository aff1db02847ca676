"""Leads: which tokens hold the end of a text, and which would lead to the same word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.tokens.vocabulary import Vocabulary
from server.answers.leads import Leads

WORDS = [
    b"The",
    b" Ron",
    b" Weas",
    b"ley",
    b" is",
    b"\xc3",
    b"\xa9",
    None,
    b" ",
    b'."',
    b" Hog",
    b" Hogw",
    b"hogwarts",
    b" Hope",
    b"h",
]
LEADS = Leads(Vocabulary.of(WORDS))
THE, RON, WEAS, LEY, IS, HALF, REST, SPECIAL, SPACE, QUOTE, HOG, HOGW, HOGWARTS, HOPE, H = range(len(WORDS))


@pytest.mark.parametrize(
    ("ids", "text", "cut", "expected"),
    [
        ([THE, RON, WEAS], "The Ron Weas", 3, (2, 3)),
        ([THE, RON, WEAS], "The Ron Weas", 4, (2, 3)),  # inside " Ron"
        ([THE, RON, WEAS], "The Ron Weas", 12, (0, 12)),
        ([THE, RON, WEAS], "The Ron Weas", 0, (3, 0)),
        ([THE, RON, WEAS, SPECIAL], "The Ron Weas", 3, (3, 3)),  # a special token has no text
        ([THE, HALF, REST, IS], "Theé is", 3, (3, 3)),
        ([THE, HALF, REST, IS], "Theé is", 4, (1, 4)),
        ([RON, IS], "Ron is", 0, (2, 0)),  # the text lacks the first token's space
        ([RON, IS], "Ron is", 3, (1, 3)),
        ([THE, RON], "The Hermione", 3, None),  # a parser has changed the text
        ([RON], "The Ron", 0, None),
        ([], "", 0, (0, 0)),
    ],
)
def test_tokens_behind_a_cut(ids: list[int], text: str, cut: int, expected: tuple[int, int] | None) -> None:
    assert LEADS.after(ids, text, cut) == expected


@given(st.lists(st.sampled_from([THE, RON, WEAS, LEY, IS, SPACE, QUOTE, HOG, HOPE]), max_size=12), st.data())
def test_what_is_before_the_tokens_and_what_they_hold_is_the_text(ids: list[int], data: st.DataObject) -> None:
    text = b"".join(WORDS[token] or b"" for token in ids).decode()
    cut = data.draw(st.integers(0, len(text)))
    found = LEADS.after(ids, text, cut)
    assert found is not None
    count, place = found
    assert place <= cut
    assert text[place:] == b"".join(WORDS[token] or b"" for token in ids[len(ids) - count :]).decode()
    # One token fewer would not hold all of it.
    assert count == 0 or cut < len(text) - len(b"".join(WORDS[token] or b"" for token in ids[len(ids) - count + 1 :]).decode())


def test_tokens_that_lead_to_the_same_word() -> None:
    assert LEADS.alike(HOG, "Hogwarts School") == [HOG, HOGW, HOGWARTS]
    assert LEADS.alike(THE, "") == [THE]
    assert LEADS.alike(IS, "hope") == [IS, HOPE]
    assert H not in LEADS.alike(HOG, "hogwarts")  # too short to say what follows
