"""Decisions without generation: who is told what."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from openai.types import ModerationCreateResponse

from server.api.screen import CATEGORIES
from server.screening.decisionlog import DecisionLog
from server.store.audit.log import Audit
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.api.conftest import Served, application


@pytest.mark.slow
async def test_a_text_or_a_conversation_is_decided(served: Served) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    await served.create(id="dodo", name="Dodo Bird", action="refuse")
    about = (await served.client.post("/v1/screen", json={"text": "Who is the Mad Hatter?"})).json()
    assert (about["verdict"], [match["target_id"] for match in about["matches"]]) == ("restrict", ["hatter"])
    assert about["matches"][0]["evidence"] == "alias"
    assert set(about["restrictions"]) == set(served.context.activation.enforcement.snapshot.always)
    messages = [{"role": "user", "content": [{"type": "text", "text": "The dodo bird?"}]}]
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
        {"input": []},
        {"input": 1},
        {"input": ["a", {"type": "text", "text": "b"}]},
        {"input": [{"type": "image_url", "image_url": {"url": "x"}}]},
        {"input": [{"type": "text", "text": 1}]},
        {"input": ["a"] * 1001},
    ],
)
@pytest.mark.slow
async def test_what_cannot_be_screened_is_400(served: Served, body: dict[str, Any]) -> None:
    assert (await served.client.post("/v1/screen", json=body)).status_code == 400
    refused = await served.client.post("/v1/moderations", json=body)
    assert refused.status_code == 400
    if "input" in body:
        assert refused.json()["error"]["param"] == "input"


def found(values: dict[str, Any]) -> dict[str, Any]:
    """The categories that are true or have a score."""
    return {name: value for name, value in values.items() if value}


@pytest.mark.slow
async def test_p6_and_clients_moderations_are_what_strict_clients_read(served: Served) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    roles = {role: await served.key(role) for role in ("client", "auditor")}
    for text in ("Hi", "Who is the Mad Hatter?"):
        for headers in roles.values():
            body = {"input": [{"type": "text", "text": text}]}
            answer = await served.client.post("/v1/moderations", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            read = ModerationCreateResponse.model_validate_json(answer.text, strict=True)
            (result,) = read.results
            assert result.flagged is (text != "Hi")
            for name, field in type(result.categories).model_fields.items():
                assert getattr(result.categories, name) is False
                assert getattr(result.category_scores, name) == 0.0
                assert getattr(result.category_applied_input_types, name) == ["text"]
                assert (field.alias or name) in CATEGORIES
            for told in answer.json()["results"]:
                assert told["categories"].keys() == told["category_scores"].keys() == told["category_applied_input_types"].keys()
    assert len(CATEGORIES) == 13


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parts", "flagged"),
    [(["Who is the Mad", "Hatter?"], True), (["Who is the Mad Hat", "ter?"], True), (["Mad", "cake"], False)],
)
async def test_p6_the_parts_of_a_text_are_read_together(served: Served, parts: list[str], flagged: bool) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    body = {"input": [{"type": "text", "text": part} for part in parts]}
    results = (await served.client.post("/v1/moderations", json=body)).json()["results"]
    assert [result["flagged"] for result in results] == [flagged]


@pytest.mark.slow
async def test_p6_a_target_with_the_id_of_a_category_is_told(served: Served) -> None:
    await served.create(id="violence", phrases=[{"text": "Mad Hatter"}], forms=[])
    (result,) = (await served.client.post("/v1/moderations", json={"input": "The Mad Hatter?"})).json()["results"]
    assert found(result["categories"]) == {"violence": True}
    assert result["category_scores"]["violence"] > 0


@pytest.mark.slow
async def test_moderations_tell_a_client_one_thing_and_an_auditor_which(served: Served) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    await served.create(id="dodo", name="Dodo Bird", action="monitor")
    roles = {role: await served.key(role) for role in ("client", "auditor")}
    asked = {"input": ["Who is the Mad Hatter?", "The dodo bird?", "Cake?"], "model": "omni-moderation-latest"}
    client = (await served.client.post("/v1/moderations", json=asked, headers=roles["client"])).json()
    assert [found(result["categories"]) for result in client["results"]] == [{"restricted": True}, {}, {}]
    assert [found(result["category_scores"]) for result in client["results"]] == [{"restricted": 1.0}, {}, {}]
    assert "hatter" not in str(client)
    auditor = (await served.client.post("/v1/moderations", json=asked, headers=roles["auditor"])).json()
    assert [found(result["categories"]) for result in auditor["results"]] == [{"hatter": True}, {"dodo": True}, {}]
    assert "restricted" not in str(auditor)
    assert [result["flagged"] for result in auditor["results"]] == [True, True, False]
    one = (await served.client.post("/v1/moderations", json={"input": ""}, headers=roles["client"])).json()
    assert [result["flagged"] for result in one["results"]] == [False]


@pytest.mark.slow
async def test_a_name_split_by_special_tokens_is_found(served: Served) -> None:
    await served.create()
    split = "Who is the Mad Hat<|pad|>ter?"
    for body in ({"text": split}, {"messages": [{"role": "user", "content": split}]}):
        assert (await served.client.post("/v1/screen", json=body)).json()["verdict"] == "restrict"
    moderated = (await served.client.post("/v1/moderations", json={"input": [split, "A <|pad|> token"]})).json()
    assert [result["flagged"] for result in moderated["results"]] == [True, False]


@pytest.mark.slow
async def test_what_is_longer_than_any_prompt_is_400(served: Served) -> None:
    served.engine.context_length = 100
    for path, body in (("screen", {"text": "x " * 2000}), ("moderations", {"input": ["a", "x " * 2000]})):
        refused = await served.client.post(f"/v1/{path}", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.slow
async def test_what_is_found_is_recorded_and_is_no_request(served: Served) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    await served.create(id="dodo", name="Dodo Bird", action="monitor")
    admin, client = await served.key("admin"), await served.key("client")
    served.client.headers.update(admin)
    about = (await served.client.post("/v1/screen", json={"text": "Who is the Mad Hatter?"})).json()
    await served.client.post("/v1/screen", json={"text": "Cake?"})
    asked = {"input": ["The dodo bird?", "Cake?", "The Mad Hatter and the Dodo Bird?"]}
    assert (await served.client.post("/v1/moderations", json=asked, headers=client)).status_code == 200
    await served.context.decisions.write()
    records = await served.records(action="screen.decision")
    assert sorted(record["target_ids"] for record in records) == [["dodo"], ["dodo", "hatter"], ["hatter"]]
    assert [record["details"]["verdict"] for record in records].count("monitor") == 1
    assert len({record["details"]["decision_id"] for record in records}) == 3
    assert len({record["actor"] for record in records}) == 2
    first = next(record for record in records if record["details"]["decision_id"] == about["decision_id"])
    assert first["details"]["scores"] == {"hatter": about["matches"][0]["score"]}
    assert first["details"]["evidence"] == {"hatter": "alias"}
    assert first["details"].keys() == {"decision_id", "verdict", "scores", "latency_ms", "evidence"}
    assert (first["snapshot"], first["details"]["latency_ms"] > 0) == (about["snapshot"], True)
    report = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert (report["enforcement"]["requests"], report["enforcement"]["suppressed_tokens"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("keep", [False, True])
async def test_the_text_is_recorded_only_if_the_log_keeps_texts(served: Served, keep: bool) -> None:
    await served.create()
    log = DecisionLog(served.context.database, Audit(keep_text=keep), served.engine, keep_text=keep)
    transport = httpx.ASGITransport(app=application(lambda: replace(served.context, decisions=log)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        await client.post("/v1/screen", json={"text": "Who is the Mad Hatter?"})
    await log.write()
    (record,) = await served.records(action="screen.decision")
    assert record["details"].get("text") == ({"prompt": "Who is the Mad Hatter?"} if keep else None)


async def test_what_cannot_be_recorded_is_not_decided(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.create()
    monkeypatch.setattr("server.screening.decisionlog._MOST_WAITING", 1)
    body = {"text": "Who is the Mad Hatter?"}
    assert (await served.client.post("/v1/screen", json=body)).status_code == 200
    assert (await served.client.post("/v1/screen", json=body)).status_code == 503
    assert (await served.client.post("/v1/moderations", json={"input": "Cake?"})).status_code == 503
    await served.context.decisions.write()
    assert (await served.client.post("/v1/screen", json=body)).status_code == 200


@pytest.mark.slow
async def test_a_text_that_cannot_be_classified_is_not_called_harmless(served: Served) -> None:
    await served.create(examples=[])
    examples = {"examples": [{"prompt": "Who invites Alice?", "completion": "He."}]}
    await served.client.patch("/v1/forget-targets/hatter", json=examples)
    served.context.encoder.fails = True  # type: ignore[attr-defined]
    response = await served.client.post("/v1/moderations", json={"input": "Is this harmless?"})
    assert (response.status_code, response.json()["error"]["code"]) == (500, "guard_failure")


@pytest.mark.slow
async def test_f9_each_input_counts_and_a_client_learns_one_category(served: Served) -> None:
    await served.create(phrases=[{"text": "Mad Hatter"}], forms=[])
    async with served.context.database.write() as session:
        _, text = await Keys().create(session, "client", "one", utc_now(), rate_per_minute=4, burst=4)
    served.context.authenticator.changed()
    headers = {"authorization": f"Bearer {text}"}
    ask = partial(served.client.post, "/v1/moderations", headers=headers)
    answer = await ask(json={"input": ["Who is the Mad Hatter?", "Cake?", "Tea?"]})
    own = [
        {name: value for name, value in one["categories"].items() if name not in CATEGORIES} for one in answer.json()["results"]
    ]
    assert own == [{"restricted": True}] + [{"restricted": False}] * 2
    assert "hatter" not in answer.text + str(answer.headers)
    assert (await ask(json={"input": ["a", "b"]})).status_code == 429
    refused = await ask(json={"input": "a"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.slow
async def test_f1_a_fact_split_by_special_tokens_is_a_fact(served: Served) -> None:
    await served.create(phrases=[{"text": "Kirkbyton Hall"}], forms=[], in_context="refuse")
    plain = "Does the Mad Hatter live in Kirkbyton Hall?"
    assert await served.verdict(plain) == "refuse"
    for split in ("Kirkby<|pad|>ton Hall", "Kirkbyton<|pad|>Hall", "Kirkby<|pad|>ton<|pad|> Hall"):
        assert await served.verdict(plain.replace("Kirkbyton Hall", split)) == "refuse"
    assert await served.verdict("Does the Mad Hatter live in a<|pad|>house?") == "restrict"
