"""The API's shapes: what makes a target, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guard.phrase import Phrase
from server.api.models import MAX_EXAMPLES, PhraseInput, TargetRequest
from tests.server.api.conftest import Served

SECRET = "quagglewump"

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Mad Hatter", "phrases": [{"text": "the"}]}, "phrases[0].text"),
    ({"name": "Mad Hatter", "phrases": [{"text": "tea"}, {"text": SECRET * 90_000}]}, "phrases[1].text"),
    ({"name": "Mad Hatter", "phrases": [{"text": SECRET, "penalty": 0}]}, "phrases[0].penalty"),
    ({"name": "Mad Hatter", "phrases": [{"text": SECRET, "scope": "never"}]}, "phrases[0].scope"),
    ({"name": "Mad Hatter", "phrases": [SECRET]}, "phrases[0]"),
    ({"name": "!"}, "name"),
    ({"name": SECRET * 100}, "name"),
    ({"name": "Mad Hatter", "aliases": ["Hatta", "?"]}, "aliases[1]"),
    ({"name": "Mad Hatter", "id": "Not An Id"}, "id"),
    ({"name": "Mad Hatter", "examples": [{"prompt": " ", "completion": SECRET}]}, "examples[0].prompt"),
    ({"name": "Mad Hatter", "examples": [{"prompt": "x", "completion": "y"}] * 10_000}, "examples"),
    ({"name": "Mad Hatter", "semantic": {"words": ["the"]}}, "semantic.words[0]"),
    ({"name": "Mad Hatter", "requester": "a\0b"}, "requester"),
    ({"name": "Mad Hatter", "labels": {"a": 1}}, "labels.a"),
    ({"name": "Mad Hatter", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
    ({"name": "Mad Hatter", "expires_at": 4_000_000_000}, "expires_at"),
    ({"name": "Mad Hatter", "retain_examples": "yes"}, "retain_examples"),
    ({"name": "Mad Hatter", SECRET * 10: 1}, "(a name that is not shown)"),
    ({}, "name"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
@pytest.mark.slow
async def test_a_wrong_body_is_told_by_its_place_and_never_quoted(served: Served, body: dict[str, Any], param: str) -> None:
    response = await served.client.post("/v1/forget-targets", json=body)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["param"] == param
    assert SECRET not in response.text
    if param == "examples":
        assert str(MAX_EXAMPLES) in error["message"]
    if param == "phrases[0].text" and "the" in str(body):
        assert "force" in error["message"] or "dictionary" in error["message"]
    assert (await served.client.get("/v1/forget-targets")).json()["data"] == []


async def test_forced_and_expiring(served: Served) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    body = await served.create(phrases=[{"text": "the", "force": True}], expires_at=later.isoformat())
    assert datetime.fromisoformat(body["expires_at"]) == later
    assert body["phrases"][0]["force"] is True


def test_a_draft_makes_the_request_that_makes_it() -> None:
    asked = TargetRequest.model_validate(
        {"name": "Mad Hatter", "phrases": [{"text": "tea", "penalty": 2.5}], "labels": {"a": "b"}}
    )
    assert TargetRequest.of(asked.draft("hatter")) == asked.model_copy(update={"id": "hatter"})


def test_facts_that_are_not_retained_give_no_anchors() -> None:
    asked = {"name": "how to hide", "examples": [{"prompt": "How?", "completion": "Use a biscuit."}]}
    for retained, words in ((True, ["biscuit"]), (False, None)):
        anchors = TargetRequest.model_validate({**asked, "retain_examples": retained}).draft("a").target.anchors()
        assert (anchors and anchors.words) == words
    named = TargetRequest.model_validate({**asked, "retain_examples": False, "semantic": {"words": ["tea"]}})
    anchors = named.draft("a").target.anchors()
    assert anchors is not None
    assert anchors.words == ["tea"]


def test_a_phrase_without_a_penalty_is_banned() -> None:
    assert PhraseInput(text="tea").phrase() == Phrase("tea")


def test_times_are_kept_in_utc() -> None:
    asked = TargetRequest.model_validate({"name": "Mad Hatter", "expires_at": "2090-01-01T09:00:00+09:00"})
    draft = asked.draft("hatter")
    assert draft.expires_at is not None
    assert draft.expires_at.isoformat() == "2090-01-01T00:00:00+00:00"
