from __future__ import annotations

from typing import Any

import pytest

from evaluation.tinylm.recipe import Recipe


@pytest.mark.parametrize("wrong", [{"width": 100}, {"layers": 0}, {"exact": 1.5}, {"variation": 1.0}, {"learning_rate": 0.0}])
def test_refuses_an_impossible_recipe(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Recipe(**wrong)
