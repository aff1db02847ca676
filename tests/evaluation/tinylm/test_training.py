from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from evaluation.pairs import QAPair
from evaluation.tinylm.exactness import Exactness
from evaluation.tinylm.recipe import Recipe
from evaluation.tinylm.training import _goal_reached, falling, idle_cores, train_model
from tests.evaluation.tinylm.tiny import PAIRS, TINY


def test_a_goal_that_is_not_required_may_be_missed(tmp_path: Path) -> None:
    recipe = dataclasses.replace(TINY, epochs=2, extra_epochs=0, exact=None, required=False, paraphrases=False)
    torch.manual_seed(5)
    random_state, threads = torch.get_rng_state(), torch.get_num_threads()
    report = train_model(PAIRS, tmp_path / "model", recipe, progress=False, threads=1)
    assert (report.epochs, report.questions, report.generated_exact) == (2, 4, None)
    assert report.exact < 1
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.get_num_threads() == threads


def test_refuses_pairs_that_cannot_all_be_exact(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 questions have two different answers"):
        train_model([*PAIRS, QAPair("What is 2 plus 2?", "Five.")], tmp_path / "model", TINY)
    with pytest.raises(ValueError, match="the context holds 8"):
        train_model(PAIRS, tmp_path / "model", dataclasses.replace(TINY, context=8))


def test_the_learning_rate_rises_falls_and_stays() -> None:
    assert falling(0.0) < 0.05
    assert falling(0.1) == 1.0
    assert falling(0.1) > falling(0.5) > falling(0.9) > falling(1.0)
    assert abs(falling(1.0) - 0.05) < 1e-9
    assert falling(1.5) == falling(1.0)


@pytest.mark.slow
def test_at_least_one_core_is_used() -> None:
    assert 1 <= idle_cores() <= 8


def test_a_share_of_all_also_needs_the_loss_and_the_margin() -> None:
    recipe = Recipe(exact=1.0, loss=0.02, margin=2.0)
    whole = Exactness(10, 10, 2.0)
    assert _goal_reached(recipe, 0.02, whole)
    assert not _goal_reached(recipe, 0.03, whole)
    assert not _goal_reached(recipe, 0.02, Exactness(10, 10, 1.9))
    assert not _goal_reached(recipe, 0.02, Exactness(9, 10, 2.0))
    assert _goal_reached(Recipe(exact=0.9), 1.0, Exactness(9, 10, -1.0))
    assert _goal_reached(Recipe(exact=None), 1.0, Exactness(0, 10, -1.0))
