"""What a target would do: what it bans, and how often it would be wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

from classifiers import ForgetTarget, Screened, Thresholds
from classifiers.action import Action
from classifiers.live import LiveClassifier
from classifiers.meaning.background import Background
from classifiers.meaning.neighbours import Neighbours
from server.policy.preview import Previewer
from tests.server.api.conftest import BACKGROUND, SmallEncoder
from tests.server.fakes import WordEncoder

TARGET: dict[str, Any] = {
    "name": "Queen of Hearts",
    "aliases": ["Red"],
    "phrases": [{"text": "the"}, {"text": "croquet", "scope": "gated"}, {"text": "of the"}],
    "examples": [{"prompt": "Where does she live?", "completion": "The queen lives in Flamingo Crescent."}],
}


def test_false_alarms_are_those_of_a_classifier_without_the_prompt_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.live.full_background", list)
    # The preview counts names and examples alone.
    monkeypatch.setattr(LiveClassifier, "_described", lambda *_: [])
    background = ["Where did the queen live?", "Where did the king live?", "The red one is which?", *BACKGROUND]
    background += ["Where does he live?", "Where does she live?"]  # the last is an example of the target itself
    target = ForgetTarget.model_validate({**TARGET, "id": "q", "phrases": []})
    for cosine, margin in ((0.3, 0.01), (0.5, 0.2)):
        encoder, thresholds = SmallEncoder(), Thresholds(cosine=cosine, margin=margin)
        found = Previewer(Background(background, encoder), encoder, thresholds, lambda: None, Neighbours(encoder)).false_alarms(
            target
        )
        wrong = 0
        for prompt in background[:-1]:
            # The slow way: each prompt asked of a classifier whose background lacks it.
            others = [other for other in background if other != prompt]
            classifier = LiveClassifier([target], others, encoder, thresholds)
            wrong += bool(classifier.classify([Screened.of(prompt)])[0])
        # "The red one" is no certain name: its only word is an ordinary one, in small letters.
        assert (found.prompts, found.by_name, found.either) == (len(background) - 1, 0, wrong)
    assert (
        Previewer(Background([], encoder), encoder, thresholds, lambda: None, Neighbours(encoder)).false_alarms(target).prompts
        == 0
    )


def test_the_words_near_anchors_are_listed_with_their_cosines() -> None:
    encoder = WordEncoder()
    previewer = Previewer(Background([], encoder), encoder, Thresholds(), lambda: None, Neighbours(encoder))
    target = ForgetTarget.model_validate({"id": "q", "name": "Ada Brill", "semantic": {"words": ["poetry biscuit"]}})
    found = [(near.word, near.cosine, near.penalty) for near in previewer.words(target)]
    assert found[0] == ("poetry biscuit", 1.0, math.inf)
    assert {("biscuit", 0.71, math.inf), ("poetry", 0.71, math.inf)} <= set(found)
    assert previewer.words(target.model_copy(update={"action": Action.MONITOR})) == []
    assert previewer.words(target.model_copy(update={"semantic": None})) == []
