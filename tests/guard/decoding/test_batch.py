"""The batch: lanes and rows that step by themselves say together what each sequence would say alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.ban import Ban
from guard.decoding.batch import Batch
from guard.decoding.cursor import Cursor
from guard.decoding.edits import Edits
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.matching.automaton import Automaton
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies

# Token id:  0     1        2          3       4       5
TOKENS = [None, b" mad", b" hatter", b" tea", b" cup", b"s"]


VOCABULARY = Vocabulary.of(TOKENS)


def masks(*phrases: Phrase) -> Masks:
    return Masks(Automaton.build(phrases), VOCABULARY)


def banned(edits: Edits) -> set[tuple[int, int]]:
    return {(int(row), int(token)) for row, token in edits.banned.T}


def test_no_rows_no_edits() -> None:
    edits = Batch().edits()
    assert edits.banned.shape == (2, 0)
    assert edits.soft.shape == (2, 0)
    assert not edits.closed.size
    assert not edits.starving.size


def test_each_row_follows_its_own_output_and_restrictions() -> None:
    hatter, tea = masks(Phrase("mad hatter")), masks(Phrase("tea"))
    first: list[int] = []
    rows = {0: Row([hatter], [], first), 2: Row([hatter, tea], [], [1]), 3: Row([], [], [])}
    batch = Batch(rows)
    assert banned(batch.edits()) == {(2, 2), (2, 3)}
    first.append(1)
    assert banned(batch.edits()) == {(0, 2), (2, 2), (2, 3)}
    assert rows[3].idle
    assert not rows[0].idle


def test_closed_and_starving_rows_are_told() -> None:
    rows = {0: Row([], [], [], closed=True), 1: Row([masks(Phrase("tea"))], [], [], starves=True)}
    edits = Batch(rows).edits()
    assert edits.closed.tolist() == [0]
    assert edits.starving.tolist() == [1]


def test_a_row_whose_last_token_is_unknown_is_closed_for_this_step() -> None:
    output: list[int] = [1]
    batch = Batch({4: Row([masks(Phrase("mad hatter"))], [], output)})
    output.append(-1)
    assert batch.edits().closed.tolist() == [4]
    output[-1] = 5
    assert banned(batch.edits()) == set()


def test_tokens_taken_back_are_forgotten() -> None:
    output = [4, 1]
    batch = Batch({0: Row([masks(Phrase("mad hatter"))], [], output)})
    assert banned(batch.edits()) == {(0, 2)}
    del output[1:]
    assert banned(batch.edits()) == set()


def test_in_the_middle_of_a_character_a_row_says_for_itself_what_always_holds() -> None:
    vocabulary = Vocabulary.of([b" mad", b"\xc3", b"\xa9tea", b" tea"])
    word = Masks(Automaton.build([Phrase("tea")]), vocabulary)
    anywhere = Masks(Automaton.build([Phrase("tea", match="substring")]), vocabulary)
    outputs: list[list[int]] = [[0], [0], [0]]
    batch = Batch(
        {k: Row([masks], [], output) for k, (masks, output) in enumerate(zip([word, word, anywhere], outputs, strict=True))}
    )
    # A byte that continues no character adds nothing, so behind "mad" the third token reads "madtea".
    assert banned(batch.edits()) == {(0, 3), (1, 3), (2, 2), (2, 3)}
    outputs[0].append(1)
    outputs[2].append(1)
    assert banned(batch.edits()) == {(0, 3), (1, 3), (2, 2), (2, 3)}
    # "é" and the letter behind it are one word, and where the text begins it is not there.
    start = Batch({0: Row([word], [], output := [])})
    assert banned(start.edits()) == {(0, 2), (0, 3)}
    output.append(1)
    assert banned(start.edits()) == {(0, 3)}


def test_what_follows_drafts_is_forgotten_in_rows_that_step_by_themselves_too() -> None:
    hatter = masks(Phrase("mad hatter tea"))
    rows = {0: Row([hatter], [], [1]), 1: Row([hatter], [], [1], readings=[[4]]), 2: Row([], [], [], closed=True)}
    batch = Batch(rows)
    assert banned(batch.edits()) == set()
    first, second = batch.ahead({0: [2, 3], 1: [2, 3], 2: [2, 3]})
    assert banned(first) == {(0, 3), (1, 3)}
    assert banned(second) == set()
    assert first.closed.tolist() == [2]
    assert [row.output for row in rows.values()] == [[1], [1], []]
    rows[0].output.append(2)  # type: ignore[attr-defined]
    rows[1].output.append(4)  # type: ignore[attr-defined]
    assert banned(batch.edits()) == {(0, 3)}


def test_rows_that_move_and_leave_take_their_state_along() -> None:
    hatter = masks(Phrase("mad hatter tea"))
    outputs: list[list[int]] = [[], [], []]
    rows = {k: Row([hatter], [], output) for k, output in enumerate(outputs)}
    batch = Batch(rows)
    for token in (1, 2):
        outputs[2].append(token)
        outputs[1].append(4)
        batch.edits()
    rows[0] = rows.pop(2)
    batch.changed()
    assert banned(batch.edits()) == {(0, 3)}
    del rows[1]
    batch.changed()
    assert banned(batch.edits()) == {(0, 3)}


def check(edits: Edits, under: list[list[Masks]], outputs: list[list[int]]) -> None:
    """Assert that each position's edits are those of its sequence alone: under its restrictions, behind its output."""
    for position, (mine, output) in enumerate(zip(under, outputs, strict=True)):
        closed = position in edits.closed.tolist()
        if -1 in output:
            assert closed
            continue
        assert not closed
        alone = [Cursor(masks) for masks in mine]
        for cursor in alone:
            cursor.extend(output)
        bans = [ban for cursor in alone for ban in cursor.bans()]
        merged = Ban.merged(bans) if bans else None
        expected = set(merged.ids.tolist()) if merged else set()
        assert {token for row, token in banned(edits) if row == position} == expected
        soft = {int(t): float(p) for (r, t), p in zip(edits.soft.T, edits.penalties, strict=True) if r == position}
        wanted = dict(zip(merged.soft.tolist(), merged.penalties.tolist(), strict=True)) if merged else {}
        assert {token: penalty for token, penalty in soft.items() if token not in expected} == wanted


@settings(max_examples=150, deadline=None)
@given(st.lists(strategies.phrases, min_size=1, max_size=3), strategies.vocabularies(), st.data())
def test_a_batch_bans_what_each_sequence_would_ban_alone(
    drawn: list[list[Phrase]], tokens: list[bytes | None], data: st.DataObject
) -> None:
    vocabulary = Vocabulary.of(tokens)
    known = [Masks.of(Restriction.compile(phrases), vocabulary) for phrases in drawn]
    under = data.draw(st.lists(st.lists(st.sampled_from(known), max_size=3), min_size=1, max_size=4))
    outputs: list[list[int]] = [[] for _ in under]
    rows = {k: Row(mine, [], output) for k, (mine, output) in enumerate(zip(under, outputs, strict=True))}
    batch = Batch(rows)
    for _ in range(8):
        if data.draw(st.booleans()):
            batch.changed()
        check(batch.edits(), under, outputs)
        if data.draw(st.booleans()):
            ids = st.lists(st.integers(-1, len(tokens) - 1), min_size=2, max_size=2)
            drafts = {position: data.draw(ids) for position in rows}
            for number, edits in enumerate(batch.ahead(drafts), start=1):
                check(edits, under, [[*output, *drafts[k][:number]] for k, output in enumerate(outputs)])
        for output in outputs:
            # Mostly one token a step, as an engine does; sometimes none or several.
            output += data.draw(
                st.lists(st.integers(0, len(tokens) - 1), min_size=0, max_size=2)
                | st.integers(0, len(tokens) - 1).map(lambda t: [t])
            )
