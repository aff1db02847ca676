"""Allowed texts: what may be said in one answer although it is a phrase, and what remains banned beside it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard import reference
from guard.decoding.allowing import allowing, patterns_of
from guard.decoding.batch import Batch
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.errors import PhraseError
from guard.excepted import Excepted
from guard.form import Form
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import scripts, strategies
from tests.guard.bans import costs

INF = math.inf


@settings(max_examples=150, deadline=None)
@given(scripts.scripts(excepting=False, allowing=True))
@pytest.mark.slow
def test_what_is_banned_is_what_the_reference_says(script: scripts.Script) -> None:
    scripts.check(script)


@settings(max_examples=150, deadline=None)
@given(scripts.scripts(allowing=True))
@pytest.mark.slow
def test_with_exceptions_what_is_banned_is_what_the_reference_says(script: scripts.Script) -> None:
    scripts.check(script)


def compare(phrases: list[Phrase], tokens: list[bytes | None], allowed: list[str], ids: list[int]) -> None:
    """Assert that a cursor bans what the reference says, at the beginning and behind each of the tokens `ids`."""
    masks = Masks.of(Restriction.compile(phrases), Vocabulary.of(tokens))
    cursor, said = Cursor(masks, allowed=patterns_of(allowed)), list[bytes]()
    for token in [*ids, 0]:
        wanted = {t: reference.penalty(phrases, said, raw, allowed=allowed) for t, raw in enumerate(tokens) if raw}
        assert costs(*cursor.bans()) == {t: penalty for t, penalty in wanted.items() if penalty}
        cursor.extend([token])
        said.append(tokens[token] or b"")


@settings(max_examples=150, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
@pytest.mark.slow
def test_inside_characters_and_behind_sentences_too(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    allowed = data.draw(st.lists(st.sampled_from([phrase.text for phrase in phrases]), min_size=1, max_size=2))
    compare(phrases, tokens, allowed, data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=12)))


@st.composite
def colliding(draw: st.DrawFn) -> list[Phrase]:
    """Phrases of two words that end at the same places, with different penalties."""
    found = []
    for _ in range(draw(st.integers(2, 6))):
        words = draw(st.lists(st.sampled_from(["aabb", "bbaa", "b"]), min_size=1, max_size=3))
        text = draw(st.sampled_from([" ", " ", "", ". "])).join(words)
        penalty, beta = draw(st.sampled_from([INF, 3.0, 5.0])), draw(st.sampled_from([1, 1, 0.5, 0.7]))
        if draw(st.booleans()):
            found.append(Form(text, "always", penalty=penalty, force=True, kind="word", ending=draw(st.booleans())))
        else:
            match = draw(st.sampled_from(["word", "word", "prefix", "substring"]))
            found.append(Phrase(text, "always", match, penalty, beta, force=True))  # type: ignore[arg-type]
    return found


@settings(max_examples=300, deadline=None)
@given(colliding(), st.data())
@pytest.mark.slow
def test_where_phrases_end_together_each_counts_for_itself(phrases: list[Phrase], data: st.DataObject) -> None:
    tokens: list[bytes | None] = [
        b" aabb",
        b"aabb",
        b" bbaa",
        b"bbaa",
        b" b",
        b"b",
        b".",
        b" ",
        b"s",
        b" aabb b",
        b"aabb.b",
        b"aabb. b",
    ]
    allowed = data.draw(st.lists(st.sampled_from([phrase.text for phrase in phrases]), min_size=1, max_size=2))
    compare(phrases, tokens, allowed, data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=6)))


NAME, FACT = Phrase("Harry Potter"), Phrase("the author of Harry Potter")


def banned(phrases: list[Phrase], allowed: list[str], pieces: list[bytes], exceptions: list[Excepted] | None = None) -> float:
    """Return the penalty of the last of the pieces behind the others."""
    vocabulary = Vocabulary.of([*pieces, b"\xff"])
    cursor = Cursor(Masks.of(Restriction.compile(phrases, exceptions=exceptions or []), vocabulary), allowed=patterns_of(allowed))
    cursor.extend(range(len(pieces) - 1))
    return costs(*cursor.bans()).get(len(pieces) - 1, 0.0)


@pytest.mark.parametrize(
    "pieces",
    [[b"Harry", b" Potter"], [b"Harry Potter"], [b"a", b" Harry Potter, who"], [b"harry.", b"POTTER"], [b"Harry Pot", b"ter"]],
)
def test_an_allowed_name_may_be_said_however_it_is_cut(pieces: list[bytes]) -> None:
    assert banned([NAME], [], pieces) == INF
    assert banned([NAME], ["harry  potter"], pieces) == 0


def test_a_longer_phrase_that_ends_with_an_allowed_name_remains_banned() -> None:
    assert banned([NAME, FACT], ["Harry Potter"], [b"She is the author of Harry", b" Potter"]) == INF
    assert banned([NAME, FACT], ["Harry Potter"], [b"She is the author of", b" Harry Potter"]) == INF
    assert banned([NAME, FACT], ["Harry Potter"], [b"She is no author of Harry", b" Potter"]) == 0
    # The other way round, the name remains banned in the fact that may be said.
    assert banned([NAME, FACT], ["the author of Harry Potter"], [b"the author of Harry", b" Potter"]) == INF
    both = ["the author of Harry Potter", "Harry Potter"]
    assert banned([NAME, FACT], both, [b"the author of Harry", b" Potter"]) == 0


def test_a_part_of_an_allowed_name_remains_banned() -> None:
    assert banned([NAME, Phrase("Potter")], ["Harry Potter"], [b"Harry", b" Potter"]) == INF


@pytest.mark.parametrize("end", [b" Potters", b" Potterin", b" Potter"])
def test_an_allowed_name_may_carry_its_endings(end: bytes) -> None:
    form = Form("Harry Potter", "always", kind="inflection", ending=True)
    assert banned([NAME, form], ["Harry Potter"], [b"Harry", end]) == 0
    assert banned([NAME, form, Phrase("Potters")], ["Harry Potter"], [b"Harry", b" Potters"]) == INF


def test_an_allowed_name_may_be_said_letter_by_letter_unless_another_phrase_has_its_letters() -> None:
    land = Phrase("Mary Landers")
    assert banned([land], [], [b"M-a-r-y L-a-n-d", b"-e-r-s"]) == INF
    assert banned([land], ["Mary Landers"], [b"M-a-r-y L-a-n-d", b"-e-r-s"]) == 0
    assert banned([land, Phrase("Marylanders", penalty=2.5)], ["Mary Landers"], [b"Mary", b" Landers"]) == 2.5
    assert banned([land, Phrase("Marylanders", penalty=2.5)], ["Marylanders"], [b"Mary", b" Landers"]) == INF


def test_an_allowed_name_with_one_more_word_in_it_remains_banned() -> None:
    form = Form("Harry Potter", "always", kind="middle", gap=True)
    assert banned([NAME, form], ["Harry Potter"], [b"Harry James", b" Potter"]) == INF
    assert banned([NAME, form], ["Harry Potter"], [b"Harry", b" Potter"]) == 0


def test_beginnings_that_a_beta_counts_remain_banned() -> None:
    assert banned([Phrase("Harry Potter", beta=0.7)], ["Harry Potter"], [b"Harry", b" Pot"]) == INF
    other = Phrase("Harry Potter and the stone", beta=0.4, penalty=2.5)
    assert banned([NAME, other], [], [b"Harry", b" Potter"]) == INF
    assert banned([NAME, other], ["Harry Potter"], [b"Harry", b" Potter"]) == 2.5


def test_an_exception_counts_beside_an_allowed_name() -> None:
    stewart = [Excepted("Potter Stewart")]
    assert banned([Phrase("Potter")], [], [b"Potter", b" Black"], stewart) == INF
    assert banned([Phrase("Potter")], ["Potter"], [b"Potter", b" Black"], stewart) == 0
    assert banned([Phrase("Potter"), Phrase("Black")], ["Potter"], [b"Potter", b" Black"], stewart) == INF


def test_an_allowed_name_may_begin_in_the_prompt_and_behind_an_initial() -> None:
    rowling = Phrase("J. K. Rowling")
    vocabulary = Vocabulary.of([b"J", b".", b" K", b". Rowling", None])
    masks = Masks.of(Restriction.compile([rowling]), vocabulary)
    assert set(costs(*Cursor(masks, [4, 0, 1, 2]).bans())) == {3}
    assert costs(*Cursor(masks, [4, 0, 1, 2], patterns_of(["J K Rowling"])).bans()) == {}


def test_what_a_restriction_does_not_hold_changes_nothing_in_it() -> None:
    masks = Masks.of(Restriction.compile([NAME, Phrase("Hogwarts castle")]), Vocabulary.of([b" Harry", b" Potter"]))
    for text in ("Ron Weasley", "Harry", "Harry Potter too", "Harry P"):
        assert allowing(masks, patterns_of([text])) is None
    assert allowing(masks, frozenset()) is None
    assert Cursor(masks, allowed=patterns_of(["Ron"])).allowing is None


def test_rows_with_the_same_texts_share_what_these_change() -> None:
    masks = Masks.of(Restriction.compile([NAME]), Vocabulary.of([b" Harry", b" Potter"]))
    first, second = (Cursor(masks, allowed=patterns_of([text])).allowing for text in ("Harry Potter", "HARRY POTTER!"))
    assert first is second
    for number in range(100):
        allowing(masks, patterns_of([f"name {number}"]))
    assert len(masks.views) == 64


def test_rows_of_one_batch_are_allowed_different_texts() -> None:
    masks = Masks.of(Restriction.compile([NAME]), Vocabulary.of([b" Harry", b" Potter"]))
    outputs: list[list[int]] = [[], []]
    batch = Batch({0: Row([masks], [], outputs[0]), 1: Row([masks], [], outputs[1], allowed=patterns_of(["Harry Potter"]))})
    batch.edits()
    for output in outputs:
        output.append(0)
    assert {tuple(pair) for pair in batch.edits().banned.T.tolist()} == {(0, 1)}
    # An engine that takes tokens back leaves the texts allowed.
    outputs[1].clear()
    batch.edits()
    outputs[1].append(0)
    assert 1 not in batch.edits().banned[0]


def test_a_text_without_letters_is_an_error() -> None:
    with pytest.raises(PhraseError):
        patterns_of(["Harry", "--"])
