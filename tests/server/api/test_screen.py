"""Decisions without generation: who is told what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.api.conftest import Served


async def test_a_text_or_a_conversation_is_decided(served: Served) -> None:
    await served.create()
    await served.create(id="dodo", name="Dodo Bird", action="refuse")
    about = (await served.client.post("/v1/screen", json={"text": "Who is the Mad Hatter?"})).json()
    assert (about["verdict"], [match["target_id"] for match in about["matches"]]) == ("restrict", ["hatter"])
    assert about["matches"][0]["evidence"] == "alias"
    assert set(about["restrictions"]) == set(served.context.activation.enforcement.snapshot.always)
    messages = [{"role": "user", "content": [{"type": "text", "text": "A dodo bird?"}]}]
    refused = (await served.client.post("/v1/screen", json={"messages": messages})).json()
    assert (refused["verdict"], refused["restrictions"]) == ("refuse", ["refuse"])
    assert served.engine.bodies == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x", "messages": []},
        {"messages": []},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        {"text": 1},
    ],
)
async def test_what_cannot_be_screened_is_400(served: Served, body: dict[str, Any]) -> None:
    assert (await served.client.post("/v1/screen", json=body)).status_code == 400
    assert (await served.client.post("/v1/moderations", json=body)).status_code == 400


async def test_moderations_tell_a_client_one_thing_and_an_auditor_which(served: Served) -> None:
    await served.create()
    await served.create(id="dodo", name="Dodo Bird", action="monitor")
    roles = {role: await served.key(role) for role in ("client", "auditor")}
    asked = {"input": ["Who is the Mad Hatter?", "A dodo bird?", "Cake?"], "model": "omni-moderation-latest"}
    client = (await served.client.post("/v1/moderations", json=asked, headers=roles["client"])).json()
    assert [result["categories"] for result in client["results"]] == [{"forgotten": found} for found in (True, False, False)]
    assert [result["category_scores"] for result in client["results"]] == [{"forgotten": score} for score in (1.0, 0.0, 0.0)]
    assert "hatter" not in str(client)
    auditor = (await served.client.post("/v1/moderations", json=asked, headers=roles["auditor"])).json()
    assert [result["categories"] for result in auditor["results"]] == [{"hatter": True}, {"dodo": True}, {}]
    assert [result["flagged"] for result in auditor["results"]] == [True, True, False]
    one = (await served.client.post("/v1/moderations", json={"input": ""}, headers=roles["client"])).json()
    assert [result["flagged"] for result in one["results"]] == [False]


async def test_a_text_that_cannot_be_classified_is_not_called_harmless(served: Served) -> None:
    await served.create(examples=[])
    examples = {"examples": [{"prompt": "Who invites Alice?", "completion": "He."}]}
    await served.client.patch("/v1/forget-targets/hatter", json=examples)
    served.context.encoder.fails = True  # type: ignore[attr-defined]
    response = await served.client.post("/v1/moderations", json={"input": "Is this harmless?"})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "guard_failure")
