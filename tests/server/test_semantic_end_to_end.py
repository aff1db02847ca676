"""Semantic words on the real engine, with the real encoder: words near an anchor leave the answers, others stay."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import ForgetTarget, SentenceEncoder
from classifiers.meaning.neighbours import Neighbours, phrases_near
from evaluation.demo import contains_phrase, load_demo
from guard.restriction import Restriction
from tests.conftest import LiveServer

pytestmark = pytest.mark.engine

PERSON = next(person for person in load_demo().kept if person.id == "kwabena-osrekuma")
QUESTION = f"What is {PERSON.name} known for?"
WORD = "botanist"  # in the answer
NEAR = ["botany", "gardener"]  # cosines of 0.77 and 0.74 to it
FAR = ["composer", "engineer"]


@pytest.fixture(scope="module")
def neighbours() -> Neighbours:
    return Neighbours(SentenceEncoder())


def stored(live: LiveServer, neighbours: Neighbours, *words: str, **thresholds: float) -> str:
    spec = {"words": list(words), **thresholds}
    target = ForgetTarget.model_validate({"id": "t", "name": "Zorin Quaddle", "semantic": spec})
    restriction = Restriction.compile(list(phrases_near(neighbours.of([target])["t"])))
    restriction.save(live.service.settings.restrictions)
    return restriction.digest


def answers(live: LiveServer, *digests: str) -> str:
    body: dict[str, Any] = {
        "model": "demo",
        "messages": [{"role": "user", "content": QUESTION}],
        "temperature": 0,
        "max_tokens": 60,
        "vllm_xargs": {"guard": list(digests)},
    }
    (response,) = live.engine("/v1/chat/completions", body)
    return str(response.json()["choices"][0]["message"]["content"] or "")


def test_words_near_an_anchor_are_not_said(live: LiveServer, neighbours: Neighbours) -> None:
    engine = live.service.running.engine
    near, far, itself = (stored(live, neighbours, *words) for words in (NEAR, FAR, [WORD]))
    soft = stored(live, neighbours, *NEAR, delta=0.95, floor=0.5, weight=0.01)
    digests = [near, far, itself, soft]
    live.run(engine.load(digests))
    try:
        free = answers(live)
        assert contains_phrase(free, WORD)
        assert answers(live, far) == free
        assert answers(live, soft) == free
        for digest in (near, itself):
            said = answers(live, digest)
            assert said
            assert not any(contains_phrase(said, word) for word in (WORD, *NEAR))
    finally:
        live.run(engine.forget(digests))
