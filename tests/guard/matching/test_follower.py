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

NAMES = [
    Phrase("Harry Potter"),
    Phrase("Joanne Rowling"),
    Phrase("Hogwarts", "gated"),
    Phrase("\u54c8\u5229\u6ce2\u7279"),
    Phrase("O'Brien-Smyth"),
]
KNOWN = Restriction.compile([*NAMES, *(form for name in NAMES for form in forms_of(name, name=True))])
TEXTS = st.text(strategies.ALPHABET + "a\u0301\u200b…㎏", max_size=14)
PIECES = st.lists(st.text(strategies.ALPHABET, max_size=5), max_size=6)


def read(text: str, *restrictions: Restriction) -> Follower:
    follower = Follower(restrictions or [KNOWN])
    follower.feed(text)
    return follower


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(strategies.phrases, st.one_of(TEXTS, PIECES.map(" ".join), strategies.SENTENCES))
def test_what_is_begun_is_what_more_text_could_complete(phrases: list[Phrase], text: str) -> None:
    text = text.replace("A", "a")  # a capital letter may be an initial
    follower = Follower([Restriction.compile(phrases)])
    for end, character in enumerate(text, start=1):
        follower.feed(character)
        assert follower.length - follower.begun == begun.start(phrases, text[:end])


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(scripts.scripts(excepting=False))
def test_the_same_for_names_with_one_more_word(script: scripts.Script) -> None:
    text = b"".join(script.tokens[k] or b"" for k in script.said).decode(errors="replace")
    follower = Follower([Restriction.compile(script.phrases)])
    for end, character in enumerate(text, start=1):
        follower.feed(character)
        assert follower.length - follower.begun == begun.start(script.phrases, text[:end])


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(scripts.scripts())
def test_exceptions_only_add_to_what_is_begun(script: scripts.Script) -> None:
    text = b"".join(script.tokens[k] or b"" for k in script.said).decode(errors="replace")
    without = Follower([Restriction.compile(script.phrases)])
    excepting = Follower([Restriction.compile(script.phrases, exceptions=script.exceptions)])
    for character in text:
        without.feed(character)
        excepting.feed(character)
        # Phrases that an exception has the letters of are not looked for letter by letter.
        if not any(phrase.compact for phrase in script.phrases):
            assert excepting.begun >= without.begun


SPOKEN = st.lists(
    st.sampled_from(
        [
            *(
                "Harry",
                "harry",
                "James",
                "Pot",
                "ter",
                "Joanne",
                "J",
                "K",
                "A",
                "Rowl",
                "Hog",
                "Dr",
                "Prof",
                "Sir",
                "Mrs",
                "dr",
                ".",
                ". ",
            ),
            *(
                " ",
                " ",
                " ",
                "-",
                "\n",
                "H-a-r",
                "\u54c8",
                "\u5229",
                "e\u0301",
                "\u200b",
                "!",
                "O'",
                "Brien",
                "and",
                "JK",
                "Silent",
            ),
        ]
    ),
    max_size=14,
)


@settings(deadline=None)
@given(SPOKEN)
def test_what_has_been_sent_never_has_to_come_back(parts: list[str]) -> None:
    follower, sent = Follower([KNOWN]), 0
    for character in "".join(parts):
        follower.feed(character)
        assert follower.length - follower.begun >= sent
        sent = follower.length - follower.begun
        assert follower.hit() >= follower.begun


@settings(deadline=None)
@given(SPOKEN)
def test_pieces_do_not_matter_and_neither_do_copies(parts: list[str]) -> None:
    text = "".join(parts)
    whole, pieces = read(text), Follower([KNOWN])
    for part in parts:
        pieces = pieces.copy()
        pieces.feed(part)
    for other in (pieces, read("He said Harry").restarted(text)):
        assert (other.length, other.begun, other.hit()) == (len(text), whole.begun, whole.hit())
        assert other.completions() == whole.completions()


def test_a_copy_goes_its_own_way() -> None:
    follower = read("Harry ")
    other = follower.copy()
    other.feed("was h")
    assert (follower.begun, other.begun) == (6, 1)
    follower.feed("Pot")
    assert (follower.begun, other.begun) == (9, 1)


def test_several_restrictions_are_followed_together() -> None:
    always, gated = Restriction.compile([Phrase("Hogwarts Express")]), Restriction.compile([Phrase("wand", "gated")])
    assert read("in Hogwarts", always, gated).begun == 8
    assert read("in Hogwarts wa", always, gated).begun == 2
    assert read("in Hogwarts exp, w", gated, always).begun == 1
    assert read("wa").restrictions == (KNOWN,)


def test_without_phrases_only_initials_and_titles_wait() -> None:
    for restrictions in ([], [Restriction.compile([])]):
        follower = Follower(restrictions)
        follower.feed("She spoke to Dr. ")
        assert follower.begun == 4
        follower.feed("grey")
        assert (follower.begun, follower.hit()) == (0, 4)


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        # Words, from their first letter on, with all that follows it.
        ("", ""),
        ("He met h", "h"),
        ("He met Harry", "Harry"),
        ("He met Harry ", "Harry "),
        ("He met Harry, P", "Harry, P"),
        ("He met Harry Potte", "Harry Potte"),
        ("He met Harriet", ""),
        ("He met charry", ""),
        ("Harry met ", "Harry met "),  # one more word may come into a name
        ("Harry met P", "Harry met P"),
        ("Harry met him", ""),
        ("Harry James P", "Harry James P"),
        ("Harry laughed. ", ""),  # the sentence has ended
        ("Harry laughed.", "Harry laughed."),  # perhaps it goes on: "laughed.Potter"
        ("Potter, Harr", "Potter, Harr"),
        ("He saw \u201cHarry", "Harry"),
        ("He saw\n\n  Harry", "Harry"),
        ("HARRY POTT", "HARRY POTT"),
        ("Ha\u0301rry P\u200bot", "Ha\u0301rry P\u200bot"),
        ("\u200bHarry", "Harry"),
        ("\uff28\uff41\uff52\uff52\uff59", "\uff28\uff41\uff52\uff52\uff59"),
        ("an O\u2019Brien-Sm", "O\u2019Brien-Sm"),
        # Letter by letter.
        ("H-a-r-r-y p o", "H-a-r-r-y p o"),
        ("H.a.r", "H.a.r"),
        ("the harr", "harr"),
        # Without spaces.
        ("\u6211\u8ba4\u8bc6\u54c8\u5229", "\u54c8\u5229"),
        ("\u6211\u8ba4\u8bc6\u54c8\u54c8", "\u54c8"),
        ("\u6211\u8ba4\u8bc6", ""),
        # Initials and titles, before a name and where one may follow.
        ("by J.K. Rowl", "J.K. Rowl"),
        ("by J. K. Rowl", "J. K. Rowl"),
        ("by X.Y.Rowl", "X.Y.Rowl"),
        ("by X", "X"),
        ("by X.", "X."),
        ("by X.Y", "X.Y"),
        ("by X. ", "X. "),
        ("by X. met", ""),
        ("saw Dr. Rowl", "Dr. Rowl"),
        ("saw Prof. Dr. X. Rowl", "Prof. Dr. X. Rowl"),
        ("saw Prof. Dr. ", "Prof. Dr. "),
        ("saw Pro", "Pro"),
        ("saw Sir ", "Sir "),
        ("saw Sirius", ""),
        ("saw Mr Rowl", "Mr Rowl"),
        ("his father Rowl", "Rowl"),  # no title: it begins with a small letter
        ("Then I ", ""),
        ("Plan B ", "B "),
        ("in the US ", "US "),
        ("in the US we", ""),
        ("e.g. Rowl", "Rowl"),
        ("Yes. Rowl", "Rowl"),
    ],
)
def test_what_is_held_back(text: str, begun: str) -> None:
    follower = Follower([KNOWN])
    for character in text:
        follower.feed(character)
    assert text[len(text) - follower.begun :] == begun
    assert read(text).begun == len(begun)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("", ""),
        ("It was written by ", ""),
        ("It was written by Rowl", "Rowl"),
        ("It was written by J.K. Rowl", "J.K. Rowl"),
        ("It was written by J. K. Rowl", "J. K. Rowl"),
        ("It was written by JK Rowl", "JK Rowl"),
        ("FOR US JK ROWL", "JK ROWL"),
        ("It was written by Joanne", "Joanne"),
        ("It was written by Joanne \u201cJo\u201d Rowl", "Joanne \u201cJo\u201d Rowl"),
        ("He spoke to Prof. Dr. Rowl", "Prof. Dr. Rowl"),
        ("He spoke to Lady Rowl", "Lady Rowl"),
        ("He spoke to Mr. Potter and Mrs. Rowl", "Mrs. Rowl"),
        ("He spoke to Dr. ", "Dr. "),
        ("At the scho", "scho"),  # nothing is begun: the last word, if the text ends in it
        ("At the Hog", "Hog"),
        ("At the school ", ""),
        ("At the school.", ""),
        ("At the school, Harry ", "Harry "),
        ("At the school, Harry and the P", "P"),
        ("**Harry", "Harry"),
        ("Harry Potatoes", "Harry Potatoes"),  # perhaps with Potter to come
        ("Harry ate Potatoes", "Potatoes"),
        ("h a r r", "h a r r"),
        ("1234", "1234"),
    ],
)
def test_what_goes_with_a_hit(text: str, gone: str) -> None:
    assert text[len(text) - read(text).hit() :] == gone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("By Joanne", ["joanne rowling"]),
        ("By Joanne R", ["joanne rowling", "rowling", "rowling joanne"]),
        ("At Hogwarts", []),
        ("At Hogw", ["hogwarts"]),
        ("Harry James", ["harry potter"]),
        ("H-a-r-r-y", ["harrypotter"]),
        ("At the school ", []),
        ("\u54c8\u5229", ["\u54c8 \u5229 \u6ce2 \u7279"]),
    ],
)
def test_what_may_come(text: str, expected: list[str]) -> None:
    assert [pattern for pattern in read(text).completions() if not pattern.endswith("s") or pattern == "hogwarts"] == expected


def test_completions_of_the_longest_beginning_come_first_and_are_few() -> None:
    many = Restriction.compile([Phrase(f"Harry {name}") for name in ("Abel", "Bond", "Cole", "Dean")] + [Phrase("Bonfire")])
    assert read("Harry Bon", many).completions() == ["harry bond", "bonfire"]
    assert read("Harry Bon", many).completions(1) == ["harry bond"]
    assert len(read("Harry ", many).completions(3)) == 3
    assert set(read("Harry ", many).completions()) == {"harry abel", "harry bond", "harry cole", "harry dean"}


def test_an_exception_is_waited_for_and_is_no_phrase() -> None:
    restriction = Restriction.compile([Phrase("Potter")], exceptions=[Excepted("Potter Stewart")])
    follower = read("Judge Potter Stew", restriction)
    assert follower.begun == len("Judge Potter Stew")
    assert follower.completions() == []
    follower.feed("art said")
    assert follower.begun == 0


def test_a_long_gap_inside_a_phrase_is_held_back_whole() -> None:
    text = "Harry" + " " * 5000 + "-" * 5000 + "Pot"
    follower = read("x" * 3000 + " " + text)
    assert (follower.begun, follower.hit()) == (len(text), len(text))
    assert read("Harry " + "x" * 10_000).begun == 10_006  # the additional word of a name


def test_half_a_surrogate_pair_is_a_space() -> None:
    assert read("Harry\ud800Pot").begun == 9


def test_the_tables_are_made_once() -> None:
    restriction = Restriction.compile([Form("harry potter", gap=True)])
    Follower([restriction])
    assert restriction.gaps is not None
    assert restriction.gaps.words is restriction.gaps.words
    assert restriction.automaton.levels is restriction.automaton.levels
    assert np.array_equal(restriction.automaton.level[restriction.automaton.levels], np.arange(len(restriction.automaton.levels)))
