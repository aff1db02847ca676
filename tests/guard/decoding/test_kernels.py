"""The loops over a whole batch: against `argmax`, a list comprehension, and cursors that step one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from guard.decoding import kernels
from guard.decoding.cursor import Cursor
from guard.decoding.masks import Masks
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies

Pairs = list[tuple[int, int]]


@st.composite
def batches(draw: st.DrawFn) -> tuple[NDArray[np.float32], Pairs]:
    """Logits with ties, and repeated bans."""
    rows, width = draw(st.integers(1, 4)), draw(st.sampled_from([1, 5, 300, 700]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.integers(0, draw(st.sampled_from([2, 1000])), (rows, width)).astype(np.float32)
    logits[rng.random((rows, width)) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = -np.inf
    highest = [(row, int(logits[row].argmax())) for row in range(rows)]
    # Few bans and many: the kernel goes about them differently.
    count = draw(st.sampled_from([0, 1, 10, 2000]))
    pairs = [*zip(rng.integers(0, rows, count).tolist(), rng.integers(0, width, count).tolist(), strict=True)]
    pairs += [pair for pair in highest if draw(st.booleans())]
    return logits, pairs


@settings(deadline=None)
@given(batches())
def test_the_kernel_tells_no_token_but_the_likeliest(batch: tuple[NDArray[np.float32], Pairs]) -> None:
    logits, pairs = batch
    asked = np.ones(len(logits), np.bool_)
    asked[1::3] = False
    banned = np.ascontiguousarray(np.array(pairs, np.int64).reshape(-1, 2).T)
    told = kernels.likeliest(logits, banned, asked)
    for row, token in enumerate(told.tolist()):
        highest = int(logits[row].argmax())
        said = logits[row, highest] > -np.inf
        if not asked[row] or not said:
            assert token == -1
        elif (row, highest) in pairs:
            assert token == highest
        else:
            assert token in (-1, highest)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 6), st.booleans()), max_size=8), st.lists(st.booleans(), min_size=5, max_size=5))
def test_only_whole_tokens_outside_a_character_are_kept(places: list[tuple[int, bool]], whole: list[bool]) -> None:
    tokens = np.array([token for token, _ in places], np.int64)
    unfinished = np.array([middle for _, middle in places], np.bool_)
    kernels.keep_whole(tokens, np.array(whole, np.uint8), unfinished)
    kept = [token if 0 <= token < len(whole) and whole[token] and not middle else -1 for token, middle in places]
    assert tokens.tolist() == kept


def tables(masks: Masks) -> tuple[NDArray[np.generic], ...]:
    """The arrays of `step_all` with no node known to be silent."""
    exact, vocabulary = masks.automaton, masks.vocabulary
    assert masks.compact is not None
    paths = masks.compact.automaton
    return (
        *(*exact.paths, np.zeros(len(exact), np.bool_), np.zeros(0, np.bool_)),
        *(paths.first_child, paths.label, paths.fail, paths.level, paths.word_end, np.zeros(len(paths), np.bool_)),
        *vocabulary.broken,
        *(vocabulary.folded.data, vocabulary.folded.start),
    )


@settings(max_examples=150, deadline=None)
@given(strategies.phrases, strategies.vocabularies(), st.data())
def test_one_pass_steps_each_sequence_as_its_cursor_does(
    phrases: list[Phrase], tokens: list[bytes | None], data: st.DataObject
) -> None:
    # The last phrase has a compact form always.
    vocabulary = Vocabulary.of(tokens)
    masks = Masks.of(Restriction.compile([*phrases, Phrase("ab ab ab ab", force=True)]), vocabulary)
    whole = [token for token in range(len(tokens)) if vocabulary.whole[token]]
    count = data.draw(st.integers(1, 3))
    cursors = [Cursor(masks) for _ in range(count)]
    # Entries lie in another order than their places.
    places = np.array(data.draw(st.permutations(range(count))), np.int64)
    nodes = np.array([cursor.node for cursor in cursors], np.int32)
    c_nodes, begun, spaced = np.zeros(count, np.int32), np.zeros(count, np.uint64), np.ones(count, np.uint8)
    for _ in range(data.draw(st.integers(1, 5))):
        step = data.draw(st.lists(st.sampled_from([-1, *whole]), min_size=count, max_size=count))
        found = kernels.step_all(*tables(masks), np.array(step), places, nodes, c_nodes, begun, spaced)
        expected: list[list[int]] = []
        for entry, cursor in enumerate(cursors):
            place = int(places[entry])
            if step[place] < 0:
                continue
            cursor.extend([step[place]])
            state = cursor.compact
            assert state is not None
            assert (nodes[entry], c_nodes[entry], begun[entry]) == (cursor.node, state.node, state.begun % 2**64)
            assert spaced[entry] == state.spaced
            if cursor.node >= len(masks.automaton):
                expected.append([place, cursor.node, kernels.WHOLE])
            else:
                expected += [[place, node, kernels.EXACT] for node in masks.automaton.chain(cursor.node)[:-1]]
            # Behind a dot and a word of more than three bytes a space would end a sentence; nothing said before goes on then.
            ends = state.spaced == 2 and not state.begun & 0b111
            kinds = [kernels.TIGHT if ends and path else kernels.COMPACT for path in open_paths(cursor)]
            expected += [[place, path, kind] for path, kind in zip(open_paths(cursor), kinds, strict=True)]
        broken = {int(entry) for _, entry, kind in found if kind == kernels.BROKEN}
        assert [row for row in found.tolist() if row[2] != kernels.BROKEN] == expected
        for entry, cursor in enumerate(cursors):
            if entry in broken and step[int(places[entry])] >= 0:
                state = cursor.compact
                assert state is not None
                assert len(state.masks.breaking(state.node, state.begun, state.spaced))


def open_paths(cursor: Cursor) -> list[int]:
    """The compact nodes whose first letter began a word; the root if the next letter begins one."""
    assert cursor.compact is not None
    automaton, state = cursor.compact.masks.automaton, cursor.compact
    paths, node = [], state.node
    while node:
        if state.begun >> (int(automaton.level[node]) - 1) & 1:
            paths.append(node)
        node = int(automaton.fail[node])
    return [*paths, 0] if state.spaced else paths


def test_silent_nodes_are_passed_over() -> None:
    masks = Masks.of(Restriction.compile([Phrase("abcdefgh ijk")]), Vocabulary.of([b" abc"]))
    arrays = tables(masks)
    silent, c_silent = np.ones(len(masks.automaton), np.bool_), np.ones(len(masks.compact.automaton), np.bool_)  # type: ignore[union-attr]
    state = (np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.uint64), np.ones(1, np.uint8))
    found = kernels.step_all(*arrays[:4], silent, *arrays[5:11], c_silent, *arrays[12:], np.zeros(1, np.int64), *state)
    assert found.shape == (0, 3)


def test_more_is_found_than_there_was_room_for() -> None:
    # After "aaaa..." every suffix is a node: forty nodes of one row, and room for ten.
    phrase = Phrase("a" * 50, "gated", "substring")
    other = Phrase("zzzzzzzz")
    masks = Masks.of(Restriction.compile([phrase, other]), Vocabulary.of([b"a" * 40]))
    state = (np.zeros(1, np.int64), np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.uint64), np.zeros(1, np.uint8))
    found = kernels.step_all(*tables(masks), np.zeros(1, np.int64), *state)
    assert found.tolist() == [[0, node, kernels.EXACT] for node in masks.automaton.chain(int(state[1][0]))[:-1]]
    assert len(found) == 40
