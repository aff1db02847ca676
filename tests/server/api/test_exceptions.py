"""Forms and exceptions over REST: what is taken is enforced, and what is not leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.api.conftest import Served

pytestmark = pytest.mark.slow

URL = "/v1/forget-targets"
TARGET: dict[str, Any] = {"name": "Zorin Quaddle"}
GOOD: dict[str, Any] = {**TARGET, "except": ["Quaddle Brothers"], "forms": ["word", "order"]}
# Each with the place in the answer.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "the phrase itself": ({"except": ["Zorin Quaddle"]}, "except[0]"),
    "no phrase in it": ({"except": ["Quaddle Brothers", "Grimm Brothers"]}, "except[1]"),
    "its phrase is a form that is off": ({"except": ["Quaddle Brothers"], "forms": ["order"]}, "except[0]"),
    "no letter": ({"except": ["Quaddle Brothers", "…"]}, "except[1]"),
    "empty": ({"except": [""]}, "except[0]"),
    "too long": ({"except": ["Quaddle " * 100]}, "except[0]"),
    "too many": ({"except": [f"Quaddle {n}" for n in range(257)]}, "except"),
    "no list": ({"except": "Quaddle Brothers"}, "except"),
    "a number": ({"except": [7]}, "except[0]"),
    "unknown kind": ({"forms": ["order", "plural"]}, "forms[1]"),
    "unknown kind of a phrase": ({"phrases": [{"text": "Quox", "forms": ["plural"]}]}, "phrases[0].forms[0]"),
    "beta cuts to a word": ({"phrases": [{"text": "Lantern Gambit", "beta": 0.5}]}, "phrases[0].beta"),
}


@pytest.mark.parametrize("name", BAD)
async def test_no_route_takes_it_and_nothing_changes(served: Served, name: str) -> None:
    await served.create(id="qux", **TARGET)
    before = (await served.client.get(URL)).json(), await served.records(), (await served.client.get("/v1/policy")).json()
    change, place = BAD[name]
    body = json.dumps({"id": "other", **TARGET, **change})
    file = json.dumps(
        {"version": 1, "targets": [{"id": "good", **TARGET}, {"id": "other", **TARGET, **change}]}, ensure_ascii=False
    )
    sent = [
        ("POST", URL, "application/json", body, place, "target other: "),
        ("PATCH", f"{URL}/qux", "application/merge-patch+json", json.dumps(change), place, "target qux: "),
        ("POST", f"{URL}:import", "application/jsonl", body, place, "line 1: target other: "),
        ("POST", f"{URL}:import?dry_run=true", "application/jsonl", body, place, "line 1: target other: "),
        ("POST", f"{URL}:import", "application/yaml", file, f"targets[1].{place}", "line 1: "),
    ]
    for method, path, media, content, param, where in sent:
        answer = await served.client.request(method, path, content=content.encode(), headers={"content-type": media})
        assert answer.status_code == 400, (path, answer.text)
        error = answer.json()["error"]
        assert error["param"] == param, (path, media)
        assert error["message"].startswith(where)
        assert "Quaddle" not in answer.text
    after = (await served.client.get(URL)).json(), await served.records(), (await served.client.get("/v1/policy")).json()
    assert after == before


async def test_what_is_taken_is_shown_changed_and_told(served: Served) -> None:
    made = await served.create(id="qux", **GOOD)
    assert (made["except"], made["forms"]) == (["Quaddle Brothers"], ["word", "order"])
    assert [warning.split(" ")[0] for warning in made["warnings"]] == ["except[0]"]
    before = served.context.activation.enforcement.snapshot.gated
    changed = (await served.client.patch(f"{URL}/qux", json={"except": None})).json()
    assert (changed["except"], changed["forms"], changed["warnings"]) == ([], ["word", "order"], [])
    assert served.context.activation.enforcement.snapshot.gated != before
    named = (await served.client.patch(f"{URL}/qux", json={"aliases": ["Will Price"], "forms": None})).json()
    assert named["forms"] is None
    assert [warning.split(" ")[0] for warning in named["warnings"]] == ["aliases[0]"]
    assert (await served.client.get(f"{URL}/qux")).json() == named


@pytest.mark.parametrize("media", ["application/jsonl", "application/yaml"])
async def test_an_export_is_imported_again_without_a_change(served: Served, media: str) -> None:
    await served.create(id="qux", **GOOD, phrases=[{"text": "Quox", "forms": ["spelling"]}])
    file = (await served.client.get(f"{URL}:export", headers={"accept": media})).content
    answer = (await served.client.post(f"{URL}:import", content=file, headers={"content-type": media})).json()
    assert (answer["created"], answer["updated"], answer["unchanged"]) == ([], [], 1)
    assert [warning.split(": ")[0] for warning in answer["warnings"]] == ["target qux"]


async def test_a_preview_lists_forms_with_the_phrase_and_warnings(served: Served) -> None:
    body = {**TARGET, "aliases": ["Will Price"], "except": ["Quaddle Brothers"]}
    answer = await served.client.post(f"{URL}:preview", json=body)
    shown = answer.json()
    forms = [phrase for phrase in shown["phrases"] if phrase["form_of"]]
    assert ("word", "Zorin Quaddle", "gated") in {(form["reason"], form["form_of"], form["scope"]) for form in forms}
    assert any(form["ending"] for form in forms)
    assert shown["forms_left_out"] == 0
    assert [warning.split(" ")[0] for warning in shown["warnings"]] == ["aliases[0]", "except[0]"]
    wrong = (await served.client.post(f"{URL}:preview", json={**TARGET, "except": ["Grimm"]})).json()
    assert [warning.split(": ")[0] for warning in wrong["warnings"]] == ["except[0]"]
