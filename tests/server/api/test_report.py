"""Reports: complete, and harmless in a browser."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import httpx

from classifiers import Thresholds
from classifiers.calibration import Calibration, GroupCalibration
from server.store.auditrecord import decision_event
from tests.server.api.conftest import Served, application

GROUP = GroupCalibration("all", 1, 0, 0.01, 250, "paraphrases", 99, -0.1, 0.0, float("-inf"), 0.01, 0.0, 1.0, 0.002, 0.001)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


async def test_a_report_says_what_since_when_how_and_how_often(served: Served) -> None:
    await served.create(
        phrases=[{"text": "tea", "scope": "gated", "penalty": 3.0}], semantic={"words": ["biscuit"]}, legal_basis="Art. 17"
    )
    async with served.context.database.write() as session:
        for number in range(3):
            event = decision_event(
                actor="k",
                decision_id=str(number),
                verdict="restrict",
                scores={"hatter": 1.0} if number else {"dodo": 1.0},
                snapshot=1,
                suppressed=0,
                latency_ms=1,
            )
            await served.context.audit.append(session, event)
    report = (await served.client.get("/v1/forget-targets/hatter/report")).json()
    assert (report["name"], report["legal_basis"], report["semantic_words"]) == ("Mad Hatter", "Art. 17", ["biscuit"])
    assert [(p["text"], p["scope"], p["penalty"]) for p in report["phrases"]] == [
        ("tea", "gated", 3.0),
        ("Mad Hatter", "always", None),
    ]
    assert report["enforced_since"] is not None
    assert (report["enforcement"]["requests"], report["enforcement"]["snapshot"]) == (2, 1)
    assert report["calibration"]["cosine"] == served.context.thresholds.cosine
    assert report["calibration"]["calibrated"] is False
    assert "not removed" in report["limits"][0]
    await served.client.post("/v1/forget-targets/hatter:pause")
    assert (await served.client.get("/v1/forget-targets/hatter/report")).json()["enforced_since"] is None


async def test_the_calibration_in_force_is_told(served: Served) -> None:
    await served.create()
    calibration = Calibration("words", Thresholds(), (GROUP,), {"hatter": "all"})
    context = replace(served.context, calibration=lambda: calibration)
    transport = httpx.ASGITransport(app=application(lambda: context))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        told = (await client.get("/v1/forget-targets/hatter/report")).json()["calibration"]
        page = (await client.get("/v1/forget-targets/hatter/report", headers={"accept": "text/html"})).text
    assert (told["calibrated"], told["promised_miss_rate"], told["texts"]) == (True, 0.01, 250)
    assert (told["limit"], told["false_alarm_rate"]) == (None, 0.002)
    assert "from 250 texts" in page


async def test_the_page_has_no_scripts_and_shows_text_as_text(served: Served) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    await served.create(name=f"Mad {evil}", requester=evil, aliases=[evil], phrases=[{"text": evil}])
    response = await served.client.get("/v1/forget-targets/hatter/report", headers={"accept": "text/html,*/*;q=0.8"})
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    tags = Tags(response.text)
    assert tags.names.isdisjoint({"script", "img", "link", "iframe", "object", "form"})
    assert tags.attributes <= {"lang", "charset", "name", "content", "scope", "class"}
    assert "&lt;script&gt;" in response.text
    assert "Suppressed, not removed" in response.text
    assert "@media print" in response.text
