"""Phrases that nobody can mean: every route refuses them with the place, stores nothing, and leaves what is in force alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.api.conftest import Served

pytestmark = pytest.mark.slow

# The phrases of the complaint ops-09, and phrases of symbols or of one letter.
BAD = {
    "control character": "\u0007",
    "zero-width space": "\u200b",
    "space": " ",
    "dash": "\u2014",
    "squared letter": "\U0001f179",
    "accent alone": "\u0301",
    "variation selector alone": "\ufe0f",
    "too long": "a" * 600,
    "stop word": "the",
    "half of a surrogate pair": "\ud83d",
    "NUL": "\u0000x",
    "NUL in a word": "Vel\u0000mont",
    "empty": "",
    "one letter": "x",
    "symbols around a letter": "C++",
    "two letters": "R&D",
    "symbols alone": "&&&",
    "emoji": "\U0001f600",
    "two scripts in a word": "google\u05d1",
}
MARK = "Quxnewland"


def phrases(bad: str) -> list[dict[str, Any]]:
    return [{"text": MARK}, {"text": bad}]


async def state(served: Served) -> tuple[Any, ...]:
    """Return all that is stored and all that is in force."""
    targets = (await served.client.get("/v1/forget-targets")).json()["data"]
    policy = (await served.client.get("/v1/policy")).json()
    records = await served.records()
    return targets, policy, records, served.context.activation.enforcement.snapshot.always, sorted(served.engine.loaded)


@pytest.mark.parametrize("name", BAD)
async def test_no_route_takes_it_and_nothing_changes(served: Served, name: str) -> None:
    await served.create(id="qux", name="Velmont Labs", phrases=[{"text": "Foobarland"}])
    before = await state(served)
    text = json.dumps({"name": "Other Labs", "phrases": phrases(BAD[name])}).encode()
    named = json.dumps({"id": "other", "name": "Other Labs", "phrases": phrases(BAD[name])}).encode()
    changed = json.dumps({"phrases": phrases(BAD[name])}).encode()
    good = json.dumps({"id": "good", "name": "Good Labs"}).encode()
    # JSON is YAML, too, but for pairs of surrogates as escapes.
    escaped = max(BAD[name], default="") <= "\uffff"
    file = json.dumps({"version": 1, "targets": [json.loads(good), json.loads(named)]}, ensure_ascii=escaped).encode()
    url = "/v1/forget-targets"
    sent = [
        ("POST", url, "application/json", text, ""),
        ("POST", url, "application/json", named, "target other: "),
        ("PATCH", f"{url}/qux", "application/merge-patch+json", changed, "target qux: "),
        ("POST", f"{url}:import", "application/jsonl", good + b"\n" + named, "line 2: target other: "),
        ("POST", f"{url}:import?dry_run=true", "application/jsonl", named, "line 1: target other: "),
        ("POST", f"{url}:import", "application/yaml", file, "line 1: "),
    ]
    for method, path, media, body, where in sent:
        answer = await served.client.request(method, path, content=body, headers={"content-type": media})
        assert answer.status_code == 400, (path, answer.text)
        error = answer.json()["error"]
        surrogate, yaml = name == "half of a surrogate pair", media.endswith("yaml")
        if surrogate and yaml:
            assert "not valid YAML" in error["message"] or "surrogate" in error["message"]
        elif yaml:
            assert error["param"] == "targets[1].phrases[1].text"
            assert error["message"].startswith(f"{where}targets[1].phrases[1].text (target other): ")
        else:
            assert error["param"] == "phrases[1].text" or (surrogate and "import" in path)
            assert "phrases[1].text: " in error["message"]
            # Half of a pair makes the body no valid text, so nobody looks for an id in it.
            assert error["message"].startswith(where) or surrogate
        assert MARK not in answer.text
        assert len(BAD[name]) < 3 or BAD[name] in ("the", "C++") or BAD[name] not in error["message"]
    assert await state(served) == before
    assert (await served.client.get(f"{url}/other")).status_code == 404
    assert (await served.client.get(f"{url}/good")).status_code == 404
    assert await served.verdict("Where is Foobarland?") == "restrict"
    assert await served.verdict(f"Where is {MARK}?") == "allow"


async def test_a_target_is_not_replaced_by_put(served: Served) -> None:
    await served.create(id="qux", name="Velmont Labs")
    answer = await served.client.put("/v1/forget-targets/qux", json={"name": "Other Labs", "phrases": phrases("\u0007")})
    assert answer.status_code == 405
    assert (await served.client.get("/v1/forget-targets/qux")).json()["name"] == "Velmont Labs"


@pytest.mark.parametrize("text", ["the", "C++", "R&D", "google\u05d1", "x"])
async def test_who_insists_gets_it(served: Served, text: str) -> None:
    made = await served.create(id="qux", name="Velmont Labs", phrases=[{"text": text, "scope": "gated", "force": True}])
    assert [phrase["text"] for phrase in made["phrases"]] == [text]
    changed = await served.client.patch("/v1/forget-targets/qux", json={"aliases": ["Velmont Company"]})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)


@pytest.mark.parametrize("name", ["C", "C++", "R&D", "the", "google\u05d1"])
async def test_such_a_name_is_taken_and_makes_no_phrase(served: Served, name: str) -> None:
    await served.create(id="qux", name=name)
    shown = (await served.client.get("/v1/forget-targets/qux/report")).json()
    assert "phrases" not in shown or shown["phrases"] == []
    assert served.context.activation.enforcement.snapshot.always == ()
