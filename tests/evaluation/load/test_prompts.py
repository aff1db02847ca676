"""A client's largest prompts are as large as they say, and the server's own limits know them."""

from __future__ import annotations

import json
import random

import pytest

from evaluation.load import prompts


def test_prose_has_the_length_that_was_asked_for_and_never_repeats() -> None:
    rng = random.Random(1)
    first, second = prompts.prose(rng, 5000), prompts.prose(rng, 5000)
    assert len(first) == len(second) == 5000
    assert first != second
    assert prompts.prose(rng, 0) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "least"), [(prompts.refused, 60_000), (prompts.largest_body, 7_800_000), (prompts.numbers, 7_800_000)]
)
def test_bodies_are_as_large_as_they_say(make, least: int) -> None:  # type: ignore[no-untyped-def]
    size = len(json.dumps(make(random.Random(1), 2048), separators=(",", ":")))
    assert least <= size < 8 * 2**20


def test_a_short_question_is_short_and_never_the_same() -> None:
    rng = random.Random(1)
    assert prompts.short(rng) != prompts.short(rng)
    assert len(json.dumps(prompts.short(rng))) < 400
