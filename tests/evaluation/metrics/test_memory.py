from __future__ import annotations

import pytest

from evaluation.metrics.memory import exact_memorization, extraction_strength


@pytest.mark.parametrize(
    ("likeliest", "exact", "strength"),
    [
        ([1, 2, 3, 4], 1, 1),
        ([9, 9, 3, 4], 0.5, 0.5),
        ([1, 9, 3, 4], 0.75, 0.5),
        ([1, 2, 3, 9], 0.75, 0),
        ([9, 9, 9, 9], 0, 0),
    ],
)
def test_a_text_of_four_tokens(likeliest: list[int], exact: float, strength: float) -> None:
    assert exact_memorization(likeliest, [1, 2, 3, 4]) == exact
    assert extraction_strength(likeliest, [1, 2, 3, 4]) == strength


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="no tokens"):
        exact_memorization([], [])
    with pytest.raises(ValueError, match="zip"):
        extraction_strength([1], [1, 2])
