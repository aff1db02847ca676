"""Rows: what one sequence may not say next, from the engine's own list of sampled ids."""

from __future__ import annotations

from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.matching.automaton import Automaton
from guard.phrase import Phrase
from guard.tokens.vocabulary import Vocabulary
from tests.guard.bans import costs

# Token id:  0     1        2          3       4       5
TOKENS = [None, b" mad", b" hatter", b" tea", b" cup", b"s"]
VOCABULARY = Vocabulary.of(TOKENS)


def masks(*phrases: Phrase) -> Masks:
    return Masks(Automaton.build(phrases), VOCABULARY)


def banned(row: Row) -> set[int]:
    bans = row.bans()
    assert bans is not None
    return set(costs(*bans))


def test_a_row_reads_what_its_output_has_grown_by() -> None:
    output: list[int] = []
    row = Row([masks(Phrase("mad hatter"))], [], output)
    assert banned(row) == set()
    output.append(1)
    assert banned(row) == {2}
    assert row.read == 1


def test_a_row_bans_what_any_of_its_restrictions_bans() -> None:
    assert banned(Row([masks(Phrase("mad hatter")), masks(Phrase("tea"))], [], [1])) == {2, 3}


def test_a_resumed_sequence_goes_on_where_it_was() -> None:
    assert banned(Row([masks(Phrase("mad hatter tea"))], [4, 1], [2])) == {3}


def test_a_row_whose_last_token_is_unknown_says_nothing() -> None:
    output: list[int] = [1]
    row = Row([masks(Phrase("mad hatter"))], [], output)
    output.append(-1)
    assert row.bans() is None
    output[-1] = 5
    assert banned(row) == set()


def test_tokens_taken_back_are_forgotten() -> None:
    output = [4, 1]
    row = Row([masks(Phrase("mad hatter"))], [], output)
    assert banned(row) == {2}
    del output[1:]
    assert banned(row) == set()


def test_a_closed_row_may_say_nothing() -> None:
    assert Row([masks(Phrase("tea"))], [], [], closed=True).bans() is None


def test_only_an_open_row_without_restrictions_is_idle() -> None:
    assert Row([], [], []).idle
    assert not Row([], [], [], closed=True).idle
    assert not Row([masks(Phrase("tea"))], [], []).idle


def test_at_the_beginning_a_row_bans_what_it_avoids() -> None:
    output: list[int] = []
    row = Row([masks(Phrase("tea"))], [], output, avoid=[5, 1, 5])
    assert banned(row) == {1, 3, 5}
    output.append(4)
    assert banned(row) == {3}
    # An engine that takes the token back is at the beginning again.
    output.clear()
    assert banned(row) == {1, 3, 5}
    assert banned(Row([masks(Phrase("tea"))], [], [4], avoid=[1])) == {3}


def test_a_row_that_avoids_tokens_is_not_idle() -> None:
    assert not Row([], [], [], avoid=[1]).idle
    assert Row([], [], [], avoid=[]).idle


def test_a_hit_ends_a_row_that_asks_for_it_but_not_where_it_avoids_tokens() -> None:
    assert not Row([], [], [1]).ends_at_hit
    assert Row([], [], [], hits=True).ends_at_hit
    output: list[int] = []
    for avoid in ([], [1]):
        row = Row([], [], output, hits=True, avoid=avoid)
        assert not row.ends_at_hit
        output.append(2)
        assert row.ends_at_hit
        output.clear()


def test_rows_with_allowed_texts_or_nothing_to_say_step_apart() -> None:
    tea = masks(Phrase("tea"))
    assert not Row([tea], [], [], hits=True, avoid=[1]).apart
    assert not Row([tea], [], [], allowed=frozenset(["hare"])).apart
    assert Row([tea], [], [], allowed=frozenset(["tea"])).apart
    assert Row([tea], [], [], closed=True).apart
