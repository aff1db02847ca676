"""How a target is answered, over REST: stored, shown, changed, exported, previewed and in force."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers.answering import SAY, Answer, Answering
from server.api.answering import EffectiveAnswering
from tests.server.api.conftest import Served

pytestmark = pytest.mark.slow

URL = "/v1/forget-targets"
HOW: dict[str, Any] = {
    "answer": "rephrase",
    "say": {"default": "No.", "de": "Nein."},
    "echo": "ban",
    "in_context": "refuse",
    "hint": "Be careful.",
}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown answer": ({"answer": "hide"}, "answer"),
    "unknown echo": ({"echo": True}, "echo"),
    "unknown in context": ({"in_context": "no"}, "in_context"),
    "number": ({"say": 3}, "say"),
    "blank": ({"say": " "}, "say"),
    "no language": ({"say": {"German": "Nein."}}, "say"),
    "long": ({"say": "x" * 1001}, "say"),
    "names the target": ({"say": "Not the Mad Hatter!"}, "say"),
    "names the target in French": ({"say": {"fr": "Pas le Mad Hatter !"}}, "say.fr"),
    "a hint that names": ({"hint": "Never mention a Hatter called Mad Hatter."}, "hint"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_may_not_be_is_told_by_its_place(served: Served, name: str) -> None:
    change, place = BAD[name]
    await served.create(id="hatter")
    sent = (("POST", URL, {"id": "other", "name": "Mad Hatter", **change}), ("PATCH", f"{URL}/hatter", change))
    for method, path, body in sent:
        answer = await served.client.request(method, path, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["param"] == place
        assert "Mad" not in answer.text


async def test_it_is_stored_shown_changed_and_in_force(served: Served) -> None:
    plain = await served.create(id="hatter")
    assert {name: plain[name] for name in HOW} == dict.fromkeys(HOW)
    made = (await served.client.patch(f"{URL}/hatter", json=HOW)).json()
    assert {name: made[name] for name in HOW} == HOW
    snapshot = served.context.activation.enforcement.snapshot
    assert snapshot.answering("hatter").text("de") == "Nein."
    assert snapshot.answering("hatter").answer is Answer.REPHRASE
    changed = (await served.client.patch(f"{URL}/hatter", json={"say": {"de": None, "fr": "Non."}, "answer": None})).json()
    assert (changed["say"], changed["answer"]) == ({"default": "No.", "fr": "Non."}, None)
    cleared = (await served.client.patch(f"{URL}/hatter", json=dict.fromkeys(HOW))).json()
    assert {name: cleared[name] for name in HOW} == dict.fromkeys(HOW)
    assert served.context.activation.enforcement.snapshot.answering("hatter") == Answering()


@pytest.mark.parametrize("media", ["application/jsonl", "application/yaml"])
async def test_an_export_is_imported_again_without_a_change(served: Served, media: str) -> None:
    await served.create(id="hatter", **HOW)
    await served.create(id="dodo", name="Dodo Bird")
    file = (await served.client.get(f"{URL}:export", headers={"accept": media})).content
    assert file.count(b"rephrase") == 1
    answer = (await served.client.post(f"{URL}:import", content=file, headers={"content-type": media})).json()
    assert (answer["created"], answer["updated"], answer["unchanged"]) == ([], [], 2)


async def test_an_imported_policy_file_gives_its_defaults_to_its_targets(served: Served) -> None:
    file = "version: 1\ndefaults: {answer: mask, say: No.}\ntargets: [{id: dodo, name: Dodo Bird, say: Well.}]\n"
    sent = await served.client.post(f"{URL}:import", content=file, headers={"content-type": "application/yaml"})
    assert sent.status_code == 200
    shown = (await served.client.get(f"{URL}/dodo")).json()
    assert (shown["answer"], shown["say"]) == ("mask", "Well.")


async def test_a_preview_tells_what_would_hold_and_what_is_wrong(served: Served) -> None:
    body = {"name": "Mad Hatter", "answer": "mask", "say": {"fr": "Pas le Mad Hatter !"}}
    shown = (await served.client.post(f"{URL}:preview", json=body)).json()
    assert shown["answering"] == {
        "answer": "mask",
        "say": {"default": SAY, "fr": "Pas le Mad Hatter !"},
        "echo": "allow",
        "in_context": "suppress",
        "hint": None,
    }
    assert [warning.partition(":")[0] for warning in shown["warnings"]][1:] == ["say.fr"]


async def test_a_screened_text_tells_its_language_and_what_an_answer_may_say(served: Served) -> None:
    await served.create(id="hatter", phrases=[{"text": "Kirkby Mallory", "scope": "gated"}])
    text = "Wo wohnt der Mad Hatter, wenn nicht in Kirkby Mallory?"
    shown = (await served.client.post("/v1/screen", json={"text": text})).json()
    assert shown["language"] == "de"
    assert "Mad Hatter" in shown["allowed"]
    assert "Kirkby Mallory" not in shown["allowed"]
    await served.client.patch(f"{URL}/hatter", json={"in_context": "refuse"})
    assert (await served.client.post("/v1/screen", json={"text": text})).json()["verdict"] == "refuse"
    pasted = (await served.client.post("/v1/screen", json={"text": "Who lives in Kirkby Mallory?"})).json()
    assert (pasted["verdict"], [match["evidence"] for match in pasted["matches"]]) == ("refuse", ["fact"])


def test_texts_by_language_have_the_key_that_people_write() -> None:
    assert EffectiveAnswering.of(Answering(say={"": "No.", "de": "Nein."})).say == {"default": "No.", "de": "Nein."}
