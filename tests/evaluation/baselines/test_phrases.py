from __future__ import annotations

import pytest

from evaluation.baselines.phrases import MOST, phrases
from guard import fold


def test_as_many_as_asked_for_and_all_different() -> None:
    made = phrases(20_000)
    assert len({fold(phrase) for phrase in made}) == 20_000
    assert {len(phrase.split()) for phrase in made} == {2, 3}


def test_the_same_in_every_run_and_smaller_sets_within_larger() -> None:
    assert phrases(500) == phrases(2000)[:500]
    assert phrases(500) != phrases(500, seed=1)
    assert phrases(2) == ["Lonely Shadow Reanraind", "Sindrend Hinderkmann"]


@pytest.mark.parametrize("n", [-1, MOST + 1])
def test_refuses_impossible_numbers(n: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        phrases(n)
