"""Reports: complete, and harmless in a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from classifiers.answering import SAY
from classifiers.calibration.limits import Calibration, GroupCalibration, TargetCalibration
from server.store.audit.record import REQUEST, SCREEN, counted, decision_event, output_event
from tests.server.api.conftest import Served, application

HTML = {"accept": "text/html,*/*;q=0.8"}
GROUP = GroupCalibration(
    group="all",
    targets=1,
    bare=0,
    alpha=0.01,
    n=250,
    source="paraphrases",
    needed=99,
    conformal=-0.0123,
    default=0.0,
    cap=0.005,
    capped=float("-inf"),
    limit=-0.0123,
    promised=0.01,
    missed=0.004,
    observed=0.0,
    held_out=1.0,
    false_alarms=0.002,
    false_alarms_default=0.001,
)
EXAMPLES = [{"prompt": "Who pours tea?", "completion": "The hatter."}, {"prompt": "Who sings to the bat?", "completion": "He."}]


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.slow
async def test_a_report_says_what_since_when_how_and_how_often(served: Served) -> None:
    await served.create(
        phrases=[{"text": "tea", "scope": "gated", "penalty": 3.0}], semantic={"words": ["biscuit"]}, legal_basis="Art. 17"
    )
    async with served.context.database.write() as session:
        for number in range(3):
            event = decision_event(
                REQUEST,
                actor="k",
                decision_id=str(number),
                verdict="restrict",
                scores={"hatter": 1.0} if number else {"dodo": 1.0},
                snapshot=1,
                latency_ms=1,
            )
            await served.context.audit.append(session, counted(event, 10**number))
        await served.context.audit.append(session, replace(event, action=SCREEN))
        for target_id in ("hatter", "hatter", "dodo"):
            found = output_event(actor="k", decision_id="1", target_id=target_id, snapshot=1)
            await served.context.audit.append(session, found)
    for _ in range(123):
        served.context.metrics.hit()
    served.context.metrics.rollback("exhausted")
    report = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert (report["name"], report["legal_basis"], report["semantic_words"]) == ("Mad Hatter", "Art. 17", ["biscuit"])
    assert [(p["text"], p["scope"], p["penalty"]) for p in report["phrases"]] == [
        ("tea", "gated", 3.0),
        ("Mad Hatter", "gated", None),
    ]
    assert report["enforced_since"] is not None
    assert (report["enforcement"]["requests"], report["enforcement"]["snapshot"]) == (2, 1)
    assert report["enforcement"]["suppressed_tokens"] == 110
    assert report["enforcement"]["found_in_output"] == 2
    assert (report["answers"]["hits"], report["answers"]["continued"], report["answers"]["exhausted"]) == (123, 0, 1)
    assert {"<td>110</td>", "<td>123</td>"} <= set(re.findall("<td>[0-9]+</td>", await page_of(served)))
    assert report["calibration"]["cosine"] == served.context.thresholds.cosine
    assert report["calibration"]["calibrated"] is False
    assert "not removed" in report["limits"][0]
    await served.client.post("/v1/forget-targets/hatter:pause")
    assert (await served.client.get("/v1/forget-targets/hatter/report")).json()["enforced_since"] is None


@pytest.mark.slow
async def test_a_report_says_how_requests_are_answered(served: Served) -> None:
    await served.create(answer="rephrase", say={"de": "Dazu sage ich nichts."}, in_context="refuse", hint="Be careful.")
    told = (await served.client.get("/v1/forget-targets/hatter/report")).json()["answering"]
    assert told == {
        "answer": "rephrase",
        "say": {"default": SAY, "de": "Dazu sage ich nichts."},
        "echo": "allow",
        "in_context": "refuse",
        "hint": "Be careful.",
    }
    page = await page_of(served)
    for shown in ("goes another way", "Dazu sage ich nichts.", "makes the server refuse", "Be careful.", "Text (de)"):
        assert shown in page


@pytest.mark.slow
@pytest.mark.parametrize("limit", [-0.0123, float("-inf")])
async def test_the_calibration_in_force_is_told(served: Served, limit: float) -> None:
    await served.create(examples=[{"prompt": "Who pours tea?", "completion": ""}])
    told, page = await calibrated(served, Calibration((replace(GROUP, limit=limit),), {"hatter": "all"}))
    assert (told["calibrated"], told["promised_miss_rate"], told["texts"]) == (True, 0.01, 250)
    finite = limit if limit == -0.0123 else None
    assert (told["limit"], told["false_alarm_rate"]) == (finite, 0.002)
    for shown in ("on 250 texts", "at most 1%", "0.2%", *(("0.738 (cosine)", "lowered by 0.0123") if finite else ("defaults",))):
        assert shown in page
    assert (told["cap"], told["negatives"]) == (0.005, None)


@pytest.mark.slow
async def test_a_limit_that_keeps_out_innocent_prompts_promises_nothing(served: Served) -> None:
    await served.create(examples=EXAMPLES)
    own = TargetCalibration(limit=0.0345, raised=0.0, negatives=53, missed=0.25)
    told, page = await calibrated(served, Calibration((GROUP,), {"hatter": "all"}, {"hatter": own}))
    assert (told["capped"], told["promised_miss_rate"], told["limit"]) == (True, None, 0.0345)
    assert (told["cap"], told["missed"], told["negatives"]) == (0.005, 0.25, 53)
    assert told["advice"].startswith("with these 2 examples about 25% of the questions that do not name the target")
    for shown in (
        "raised by 0.0345",
        "about 25%",
        "at most 0.5% may be",
        "53 innocent questions",
        "keeps out innocent",
        "With these 2",
    ):
        assert shown in page


@pytest.mark.slow
@pytest.mark.parametrize(("examples", "missed"), [(1, None), (2, 0.3)])
async def test_the_group_tells_what_the_examples_do_not_unless_there_is_one(
    served: Served, examples: int, missed: float | None
) -> None:
    await served.create(examples=EXAMPLES[:examples])
    own = TargetCalibration(limit=float("-inf"), raised=0.0, negatives=0, missed=None)
    calibration = Calibration((replace(GROUP, missed=0.3),), {"hatter": "all"}, {"hatter": own})
    told, page = await calibrated(served, calibration)
    assert (told["missed"], told["capped"], told["promised_miss_rate"]) == (missed, False, 0.01)
    assert f"cannot be estimated from {'one example' if missed is None else 'these 2 examples'}" in told["advice"]
    assert ("not known" if missed is None else "about 30%") in page


@pytest.mark.slow
async def test_there_is_no_advice_where_the_promise_is_kept(served: Served) -> None:
    await served.create(examples=EXAMPLES)
    own = TargetCalibration(limit=float("-inf"), raised=0.0, negatives=53, missed=0.0)
    told, page = await calibrated(served, Calibration((GROUP,), {"hatter": "all"}, {"hatter": own}))
    assert (told["missed"], told["advice"]) == (0.0, None)
    assert "Advice" not in page


async def calibrated(served: Served, calibration: Calibration) -> tuple[dict[str, Any], str]:
    """Return what the report says of a calibration, and the page."""
    context = replace(served.context, calibration=lambda: calibration)
    transport = httpx.ASGITransport(app=application(lambda: context))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        told = (await client.get("/v1/forget-targets/hatter/report")).json()["calibration"]
        page = (await client.get("/v1/forget-targets/hatter/report", headers=HTML)).text
    return told, page


async def page_of(served: Served) -> str:
    response = await served.client.get("/v1/forget-targets/hatter/report", headers=HTML)
    assert response.status_code == 200
    return " ".join(response.text.split())


@pytest.mark.slow
async def test_what_is_not_enforced_is_not_said_to_be(served: Served) -> None:
    served.engine.refuses = True
    assert (await served.client.post("/v1/forget-targets", json={"id": "hatter", "name": "Mad Hatter"})).status_code == 503
    page = await page_of(served)
    assert "Not enforced at this moment" in page
    assert "until every worker" in page
    served.engine.refuses = False
    assert (await served.client.patch("/v1/forget-targets/hatter", json={"aliases": ["Hatta"]})).status_code == 200
    assert "warning" not in (await page_of(served)).partition("<body>")[2]
    served.engine.refuses = True
    assert (await served.client.patch("/v1/forget-targets/hatter", json={"aliases": ["Hatter"]})).status_code == 503
    page = await page_of(served)
    assert "Version 2 is enforced; version 3, which this report shows (pending), is not confirmed" in page
    served.engine.refuses = False
    await served.client.post("/v1/forget-targets/hatter:pause")
    page = await page_of(served)
    assert "The target is paused" in page
    assert "not enforced" in page


async def test_a_target_that_bans_nothing_lists_nothing(served: Served) -> None:
    await served.create(action="monitor", phrases=[{"text": "dormouse"}], semantic={"words": ["biscuit"]})
    report = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert (report["phrases"], report["semantic_words"]) == ([], [])
    page = await page_of(served)
    assert "neither suppressed nor removed" in page
    assert "dormouse" not in page
    assert "biscuit" not in page


async def test_a_target_that_is_refused_lists_what_is_banned_where_an_answer_is_given(served: Served) -> None:
    await served.create(action="refuse", phrases=[{"text": "dormouse"}])
    report = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert [phrase["text"] for phrase in report["phrases"]] == ["dormouse", "Mad Hatter"]
    page = await page_of(served)
    assert "get no answer from this server" in page
    assert "dormouse" in page


@pytest.mark.slow
async def test_examples_that_were_removed_still_count(served: Served) -> None:
    await served.create(examples=[{"prompt": "Who pours tea?", "completion": ""}], retain_examples=False)
    assert (await served.client.get("/v1/forget-targets/hatter/report")).json()["calibration"]["examples"] is None
    assert "removed; the vectors made of them are used" in await page_of(served)
    await served.create(id="dodo", name="Dodo Bird", documents=["It runs."], retain_examples=False)
    assert (await served.client.get("/v1/forget-targets/dodo/report")).json()["calibration"]["examples"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("purge", ["false", "true"])
async def test_a_target_that_is_gone_has_no_report(served: Served, purge: str) -> None:
    await served.create()
    await served.client.delete("/v1/forget-targets/hatter", params={"purge": purge})
    response = await served.client.get("/v1/forget-targets/hatter/report", headers=HTML)
    assert response.status_code == 404
    assert "Mad" not in response.text


@pytest.mark.slow
async def test_the_page_has_no_scripts_and_shows_text_as_text(served: Served) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    await served.create(name=f"Mad {evil}", requester=evil, aliases=[evil], phrases=[{"text": evil}])
    response = await served.client.get("/v1/forget-targets/hatter/report", headers=HTML)
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    tags = Tags(response.text)
    assert tags.names.isdisjoint({"script", "img", "link", "iframe", "object", "form"})
    assert tags.attributes <= {"lang", "charset", "name", "content", "scope", "class"}
    assert "&lt;script&gt;" in response.text
    assert "Suppressed, not removed" in response.text
    assert "@media print" in response.text
