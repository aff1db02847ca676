"""The logits editor: what each edit does to a tensor, and where the dead end is allowed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from guard.decoding.edits import Edits
from guard.processors.logits import LogitsEditor

DEAD_END, WIDTH, ROWS = 1, 6, 3
OPEN, CLOSED = False, True


def editor(held: Sequence[int] = (), starving: Sequence[int] = (), *, private: bool = True) -> LogitsEditor:
    made = LogitsEditor(DEAD_END, torch.device("cpu"), private=private)
    made.arrange(held, starving)
    return made


def edits(
    banned: Sequence[tuple[int, int]] = (),
    soft: Sequence[tuple[int, int, float]] = (),
    closed: Sequence[int] = (),
    starving: Sequence[int] = (),
) -> Edits:
    """Return edits: pairs of row and id to ban, triples with a penalty, and rows."""
    return Edits(
        np.array(banned, np.int64).reshape(-1, 2).T.copy(),
        np.array([(row, token) for row, token, _ in soft], np.int64).reshape(-1, 2).T.copy(),
        np.array([penalty for _, _, penalty in soft], np.float32),
        np.array(closed, np.int64),
        np.array(starving, np.int64),
    )


def applied(made: Edits, logits: torch.Tensor | None = None) -> torch.Tensor:
    logits = torch.zeros(ROWS, WIDTH) if logits is None else logits.clone()
    editor().apply(logits, made)
    return logits


def only(*tokens: int) -> torch.Tensor:
    """Return logits of rows in which the engine left only these tokens."""
    logits = torch.full((ROWS, WIDTH), -torch.inf)
    logits[:, list(tokens)] = 2.0
    return logits


def dead_ends(logits: torch.Tensor) -> list[bool]:
    """Return of each row whether its dead end is closed."""
    return torch.isneginf(logits[:, DEAD_END]).tolist()


def test_what_is_banned_is_minus_infinity_and_nothing_else_changes() -> None:
    logits = torch.randn(ROWS, WIDTH)
    expected = logits.clone()
    expected[0, 2] = expected[2, 5] = -torch.inf
    assert torch.equal(applied(edits(banned=[(0, 2), (2, 5)]), logits), expected)


def test_without_edits_nothing_changes() -> None:
    logits = torch.randn(ROWS, WIDTH)
    assert torch.equal(applied(edits(), logits), logits)


def test_a_penalty_is_subtracted() -> None:
    logits = torch.ones(ROWS, WIDTH)
    expected = logits.clone()
    expected[1, 3] = -1.5
    assert torch.equal(applied(edits(soft=[(1, 3, 2.5)]), logits), expected)


def test_a_penalty_leaves_a_banned_token_banned() -> None:
    assert applied(edits(banned=[(1, 3)], soft=[(1, 3, 2.5)]))[1, 3] == -torch.inf


def test_a_closed_row_can_only_say_the_dead_end() -> None:
    logits = applied(edits(closed=[1]), torch.randn(ROWS, WIDTH))
    assert torch.nonzero(logits[1] > -torch.inf).flatten().tolist() == [DEAD_END]


def test_a_closed_row_leaves_the_others_alone() -> None:
    logits = torch.randn(ROWS, WIDTH)
    assert torch.equal(applied(edits(closed=[1]), logits)[[0, 2]], logits[[0, 2]])


def test_a_starving_row_that_the_bans_empty_gets_the_dead_end() -> None:
    logits = applied(edits(banned=[(1, 4)], starving=[1]), only(4))
    assert dead_ends(logits) == [CLOSED, OPEN, CLOSED]


def test_a_starving_row_that_has_a_token_left_does_not_get_the_dead_end() -> None:
    logits = applied(edits(banned=[(1, 4)], starving=[1]), only(4, 5))
    assert dead_ends(logits) == [CLOSED] * ROWS


def test_the_dead_end_is_closed_in_every_row_that_is_held_and_in_no_other() -> None:
    logits = torch.zeros(ROWS, WIDTH)
    editor(held=[0, 2]).close_dead_end(logits)
    assert dead_ends(logits) == [CLOSED, OPEN, CLOSED]


def test_rows_are_held_until_others_are_arranged() -> None:
    logits = torch.zeros(ROWS, WIDTH)
    made = editor(held=[0, 2])
    made.arrange([1], [])
    made.close_dead_end(logits)
    assert dead_ends(logits) == [OPEN, CLOSED, OPEN]


def test_starving_rows_that_had_the_dead_end_are_doubtful() -> None:
    logits = torch.zeros(ROWS, WIDTH)
    logits[1, DEAD_END] = -torch.inf
    assert editor(held=[0, 1, 2], starving=[0, 1]).close_dead_end(logits).tolist() == [0]


def test_a_dead_end_that_the_model_may_say_stays_open() -> None:
    logits = torch.zeros(ROWS, WIDTH)
    editor(held=[0, 1, 2], private=False).close_dead_end(logits)
    assert dead_ends(logits) == [OPEN] * ROWS


def test_where_the_model_may_say_the_dead_end_no_row_is_doubtful() -> None:
    assert editor(held=[0], starving=[0], private=False).close_dead_end(torch.zeros(ROWS, WIDTH)).tolist() == []


def test_a_doubtful_row_that_had_nothing_else_gets_its_dead_end_back() -> None:
    logits = only(DEAD_END)
    made = editor(held=[0, 1, 2], starving=[0, 2])
    made.open_dead_end(logits, made.close_dead_end(logits))
    assert dead_ends(logits) == [OPEN, CLOSED, OPEN]


@pytest.mark.parametrize("rows", [[], [0]])
def test_a_row_that_has_a_token_left_does_not_get_its_dead_end_back(rows: list[int]) -> None:
    logits = only(DEAD_END, 3)
    made = editor(held=[0], starving=rows)
    made.open_dead_end(logits, made.close_dead_end(logits))
    assert dead_ends(logits)[0] == CLOSED


def test_rows_are_closed_where_it_is_wanted() -> None:
    logits = torch.randn(ROWS, WIDTH)
    before = logits.clone()
    editor().close_where(logits, torch.tensor([0, 2]), torch.tensor([False, True]))
    assert torch.equal(logits[:2], before[:2])
    assert torch.nonzero(logits[2] > -torch.inf).flatten().tolist() == [DEAD_END]
    assert logits[2, DEAD_END] == 0


def test_a_hit_is_a_likeliest_token_or_a_share_that_became_minus_infinity() -> None:
    unedited = torch.tensor([[0.0, 1.0, 2.0], [0.0, 1.0, 1.5], [0.0, 0.0, 1.0], [0.0, 0.0, 5.0]]).double()
    edited = unedited.clone()
    edited[0, 2] = edited[1, 1] = edited[2, 1] = edited[3, 0] = -torch.inf
    edited[3, 2] -= 9.0  # a penalty
    assert LogitsEditor.hits(unedited, edited).tolist() == [True, True, False, False]


def test_a_row_that_had_no_token_has_no_hit() -> None:
    nothing = torch.full((1, WIDTH), -torch.inf)
    assert LogitsEditor.hits(nothing, nothing).tolist() == [False]
