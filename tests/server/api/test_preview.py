"""Previews: what would be banned, refused, and wrong, without a trace."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from classifiers import ForgetTarget, LiveClassifier, Screened, Thresholds
from classifiers.meaning.background import Background
from guard import Vocabulary
from server.policy.preview import Previewer, banned_tokens
from server.running import ApiContext
from tests.server.api.conftest import BACKGROUND, Served, SmallEncoder

TARGET: dict[str, Any] = {
    "name": "Queen of Hearts",
    "aliases": ["Red"],
    "phrases": [{"text": "the"}, {"text": "croquet", "scope": "gated"}, {"text": "of the"}],
    "examples": [{"prompt": "Where does she live?", "completion": "The queen lives in Flamingo Crescent."}],
}


async def test_phrases_have_a_scope_and_a_reason_and_the_wrong_ones_are_named(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    response = await served.client.post("/v1/forget-targets:preview", json=TARGET)
    assert response.status_code == 200
    body = response.json()
    shown = {(p["text"], p["scope"], p["reason"], p["proposed"]) for p in body["phrases"]}
    assert {("croquet", "gated", "explicit", False), ("Queen of Hearts", "always", "name", False)} <= shown
    assert ("Red", "gated", "name", False) in shown
    assert [(p["text"], p["source"]) for p in body["phrases"] if p["proposed"]] == [("Flamingo Crescent", "examples[0]")]
    assert [refused["index"] for refused in body["refused"]] == [0, 2]
    assert all("force" in refused["reason"] for refused in body["refused"])
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []
    assert await served.records() == []
    assert not any(word in caplog.text for word in ("Queen", "croquet", "Flamingo"))


def test_false_alarms_are_those_of_a_classifier_without_the_prompt_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.live.full_background", list)
    background = ["Where did the queen live?", "Where did the king live?", "The red one is which?", *BACKGROUND]
    background += ["Where does he live?", "Where does she live?"]  # the last is an example of the target itself
    target = ForgetTarget.model_validate({**TARGET, "id": "q", "phrases": []})
    for cosine, margin in ((0.3, 0.01), (0.5, 0.2)):
        encoder, thresholds = SmallEncoder(), Thresholds(cosine=cosine, margin=margin)
        found = Previewer(Background(background, encoder), encoder, thresholds, lambda: None).false_alarms(target)
        wrong = 0
        for prompt in background[:-1]:
            # The slow way: each prompt asked of a classifier whose background lacks it.
            others = [other for other in background if other != prompt]
            classifier = LiveClassifier([target], others, encoder, thresholds)
            wrong += bool(classifier.classify([Screened.of(prompt)])[0])
        assert (found.prompts, found.by_name, found.either) == (len(background) - 1, 1, wrong)
    assert Previewer(Background([], encoder), encoder, thresholds, lambda: None).false_alarms(target).prompts == 0


async def test_tokens_are_counted_where_there_is_a_vocabulary(served: Served) -> None:
    vocabulary = Vocabulary([b"cro", b"quet", b" croquet", b"x"])
    context: ApiContext = replace(served.context, vocabulary=lambda: vocabulary)
    previewer = context.previewer
    target = ForgetTarget.model_validate({**TARGET, "id": "q", "phrases": [{"text": "croquet"}]})
    (croquet, *_) = previewer.phrases(target)
    assert croquet.tokens == banned_tokens(croquet.phrase, vocabulary)
    assert croquet.tokens
    assert croquet.background == 0
    refused = target.model_copy(update={"action": "refuse"})
    assert {shown.tokens for shown in previewer.phrases(refused)} == {0}
