from __future__ import annotations

import math

import pytest

from classifiers import Example, ForgetTarget
from evaluation.likelihood import TokenLikelihood
from evaluation.rivals import paper as module
from evaluation.rivals.paper import Paper
from tests.evaluation.baselines.encoders import equal_words
from tests.evaluation.tinylm.tiny import PAIRS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]
KEEPER, BOAT = PAIRS[0], PAIRS[1]


@pytest.fixture
def paper(model: TokenLikelihood, monkeypatch: pytest.MonkeyPatch) -> Paper:
    class Encoder:
        encode = staticmethod(equal_words)

    monkeypatch.setattr(module, "SentenceEncoder", Encoder)
    targets = [
        ForgetTarget(id="keeper", name="Ketill", examples=[Example(prompt=KEEPER.question, completion=KEEPER.answer)]),
        ForgetTarget(id="boat", name="The boat", examples=[Example(prompt=BOAT.question, completion=BOAT.answer)]),
    ]
    return Paper(model, targets, {"keeper": ["Ketill"], "boat": ["red"]})


def test_the_answer_of_the_nearest_question_is_forbidden(paper: Paper) -> None:
    assert set(paper.retrieved(KEEPER.question).words) == {"Ketill", "keeps"}
    assert "boat" in paper.retrieved(BOAT.question).words
    assert paper.retrieved(BOAT.question) is paper.retrieved(BOAT.question)


def test_the_search_says_none_of_it(paper: Paper) -> None:
    (found,) = paper.answers([KEEPER.question], 20)
    assert KEEPER.answer not in found.text
    assert "Ketill" not in found.text
    assert found.steps > 0
    assert found.matching_s > 0


def test_what_the_search_prunes_is_impossible(paper: Paper, model: TokenLikelihood) -> None:
    (told,), (free,) = (paper.likelihood(KEEPER.question, [KEEPER.answer]), model.tokens(KEEPER.question, [KEEPER.answer]))
    assert -math.inf in told
    assert all(here <= there + 1e-6 for here, there in zip(told, free, strict=True))
    (other,) = paper.likelihood(KEEPER.question, [BOAT.answer])
    assert -math.inf not in other
