from __future__ import annotations

import pytest

from evaluation.finetuned.recipe import Recipe


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"layers": -1}])
def test_a_schedule_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Recipe(**wrong)  # type: ignore[arg-type]
