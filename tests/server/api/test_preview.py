"""Previews: what would be banned, refused, and wrong, without a trace."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest

from classifiers import ForgetTarget
from classifiers.action import Action
from classifiers.profile.classifier import ProfileClassifier
from guard import Vocabulary
from server.policy.hints.foretold import Foretelling
from server.policy.preview import banned_tokens
from server.running import ApiContext
from tests.server.api.conftest import Served, application

TARGET: dict[str, Any] = {
    "name": "Queen of Hearts",
    "aliases": ["Red"],
    "phrases": [{"text": "the"}, {"text": "croquet", "scope": "gated"}, {"text": "of the"}],
    "examples": [{"prompt": "Where does she live?", "completion": "The queen lives in Flamingo Crescent."}],
}


@pytest.mark.slow
async def test_phrases_have_a_scope_and_a_reason_and_the_wrong_ones_are_named(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    response = await served.client.post("/v1/forget-targets:preview", json=TARGET)
    assert response.status_code == 200
    body = response.json()
    shown = {(p["text"], p["scope"], p["reason"], p["proposed"]) for p in body["phrases"]}
    assert {("croquet", "gated", "explicit", False), ("Queen of Hearts", "gated", "name", False)} <= shown
    assert ("Red", "gated", "name", False) in shown
    assert [(p["text"], p["source"]) for p in body["phrases"] if p["proposed"]] == [("Flamingo Crescent", "examples[0]")]
    assert [refused["index"] for refused in body["refused"]] == [0, 2]
    assert all("force" in refused["reason"] for refused in body["refused"])
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []
    assert await served.records() == []
    assert not any(word in caplog.text for word in ("Queen", "croquet", "Flamingo"))


@pytest.mark.slow
async def test_tokens_are_counted_where_there_is_a_vocabulary(served: Served) -> None:
    vocabulary = Vocabulary([b"cro", b"quet", b" croquet", b"x"])
    context: ApiContext = replace(served.context, vocabulary=lambda: vocabulary)
    previewer = context.previewer
    target = ForgetTarget.model_validate({**TARGET, "id": "q", "phrases": [{"text": "croquet"}]})
    (croquet, *_) = previewer.phrases(target)
    assert croquet.tokens == banned_tokens(croquet.phrase, vocabulary)
    assert croquet.tokens
    assert croquet.background == 0
    monitored = target.model_copy(update={"action": Action.MONITOR})
    assert {shown.tokens for shown in previewer.phrases(monitored)} == {0}


async def test_a_preview_says_which_texts_count_and_who_else_has_the_name(served: Served) -> None:
    await served.create(id="other", name="Zorin Quaddle")
    sent = {"name": "Zorin Quaddle", "detection": {"history": 2, "tools": "ignore"}}
    body = (await served.client.post("/v1/forget-targets:preview", json=sent)).json()
    assert body["detection"] == {
        "history": 2,
        "refuse_on": "latest_turn",
        "system": "restrict",
        "tools": "ignore",
        "documents": "count",
    }
    assert any("is a name of target other, too" in warning for warning in body["warnings"])


async def test_detection_is_kept_and_a_common_name_is_warned_of(served: Served) -> None:
    made = await served.create(name="John Smith", detection={"system": "ignore"})
    assert made["detection"] == {"system": "ignore"}
    assert any("common words alone" in warning for warning in made["warnings"])
    shown = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert (shown["detection"]["system"], shown["detection"]["history"]) == ("ignore", "all")
    wrong = await served.client.patch("/v1/forget-targets/hatter", json={"detection": {"history": 0}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "detection.history")


@pytest.mark.slow
async def test_words_near_anchors_and_proposed_anchors_are_shown(served: Served) -> None:
    example = {"prompt": "How is it made?", "completion": "They hide a biscuit in the poetry of a garden."}
    target = {"name": "Queen of Hearts", "semantic": {"words": ["poetry"]}, "examples": [example]}
    body = (await served.client.post("/v1/forget-targets:preview", json=target)).json()
    assert body["semantic"][0] == {"word": "poetry", "anchor": "poetry", "cosine": 1.0, "penalty": None}
    assert body["proposed_anchors"] == ["biscuit"]
    # The name is a proper one, so its facts give it none.
    body = (await served.client.post("/v1/forget-targets:preview", json={**target, "semantic": {}})).json()
    assert (body["semantic"], body["proposed_anchors"]) == ([], ["biscuit"])
    body = (await served.client.post("/v1/forget-targets:preview", json={**target, "name": "how to hide", "semantic": {}})).json()
    assert body["semantic"][0]["word"] == "biscuit"


@pytest.mark.slow
async def test_a_preview_and_the_answer_to_a_change_say_what_would_be_missed(served: Served) -> None:
    profiles = ProfileClassifier(served.context.encoder)
    told = Foretelling(served.context.encoder, 0.01, served.context.thresholds, served.context.background, profiles)
    context = replace(served.context, foretelling=told)
    examples = [
        {"prompt": "Where was Ada Brill born?", "completion": "She was born in Trondheim beside the lighthouse."},
        {"prompt": "Which prize did Ada Brill win?", "completion": "She won the Quill prize for glass chemistry."},
    ]
    sent = {"id": "ada", "name": "Ada Brill", "examples": examples}
    transport = httpx.ASGITransport(app=application(lambda: context))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

        async def warned(method: str, path: str, body: dict[str, Any]) -> list[str]:
            answer = (await client.request(method, f"/v1/forget-targets{path}", json=body)).json()
            return [warning for warning in answer["warnings"] if warning.startswith("detection: ")]

        [previewed] = await warned("POST", ":preview", sent)
        assert "with these 2 examples nearly all of the questions that do not name the target and" in previewed
        assert await warned("POST", "", sent) == [previewed]
        assert await warned("POST", "/ada:pause", {}) == []
        [one] = await warned("PATCH", "/ada", {"examples": examples[:1]})
        assert "cannot be estimated from one example" in one
        assert await warned("POST", "", {**sent, "id": "gone", "retain_examples": False}) == [previewed]
        assert await warned("PATCH", "/ada", {"examples": []}) == []
