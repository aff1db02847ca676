from __future__ import annotations

import random

import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.tinylm.exactness import IGNORED, Example, batches, collate
from evaluation.tinylm.training import _schedule, idle_cores
from evaluation.tinylm.wording import _vary

EXAMPLES = st.lists(
    st.builds(
        Example,
        st.lists(st.integers(1, 99), min_size=1, max_size=30),
        st.lists(st.integers(1, 99), min_size=1, max_size=30),
    ),
    min_size=1,
    max_size=40,
)


@given(EXAMPLES, st.integers(1, 200), st.none() | st.integers(0, 9))
def test_batches_hold_every_example_once_within_the_size(examples: list[Example], size: int, seed: int | None) -> None:
    made = batches(examples, size, None if seed is None else random.Random(seed))
    assert sorted(map(id, (e for batch in made for e in batch))) == sorted(map(id, examples))
    assert all(len(batch) == 1 or len(batch) * max(map(len, batch)) <= size for batch in made)


@given(EXAMPLES)
def test_targets_are_the_answers_one_place_ahead(examples: list[Example]) -> None:
    ids, targets = collate(examples)
    assert ids.shape == targets.shape == (len(examples), max(map(len, examples)))
    for row, example in enumerate(examples):
        places = (targets[row] != IGNORED).nonzero()[:, 0]
        assert targets[row, places].tolist() == example.answer
        assert ids[row, : places[0] + 1].tolist() == example.prompt
        assert torch.equal(ids[row, places[1:]], targets[row, places[:-1]])


def test_the_learning_rate_rises_falls_and_stays() -> None:
    assert _schedule(0.0) < 0.05
    assert _schedule(0.1) == 1.0
    assert _schedule(0.1) > _schedule(0.5) > _schedule(0.9) > _schedule(1.0)
    assert abs(_schedule(1.0) - 0.05) < 1e-9
    assert _schedule(1.5) == _schedule(1.0)


def test_at_least_one_core_is_used() -> None:
    assert 1 <= idle_cores() <= 8


def test_variations_end_with_the_question() -> None:
    rng = random.Random(0)
    for _ in range(50):
        messages = _vary("Who wrote Hamlet?", [("How are you?", "Well.")], rng)
        assert messages[-1]["role"] == "user"
        assert "who wrote hamlet" in messages[-1]["content"].lower()
