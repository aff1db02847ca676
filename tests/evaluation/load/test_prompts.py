"""A client's largest prompts, and a short one."""

from __future__ import annotations

import json
import random

import pytest

from evaluation.load.prompts import LARGEST, encoded, route, short


@pytest.mark.parametrize("kind", sorted(LARGEST))
@pytest.mark.slow
def test_prompts_are_as_large_as_their_names_say(kind: str) -> None:
    rng = random.Random(0)
    body = LARGEST[kind](rng, 512)
    assert route(body) in ("/v1/chat/completions", "/v1/completions")
    size = len(encoded(body))
    assert json.loads(encoded(body)) == body
    if kind.startswith("7.9 MB"):
        assert 7_000_000 < size < 8 * 2**20
    elif kind.startswith("60 kB"):
        assert 60_000 <= size < 62_000
    else:
        assert size < 40 * 512


def test_short_questions_differ() -> None:
    rng = random.Random(0)
    assert len({encoded(short(rng)) for _ in range(20)}) == 20
