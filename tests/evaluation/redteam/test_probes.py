from __future__ import annotations

from typing import Any

import pytest

from evaluation.redteam.asking import Given
from evaluation.redteam.attack import Around, Sent
from evaluation.redteam.case import Case, Subject
from evaluation.redteam.probes import oracles, probe, probes

AROUND = Around("demo", 7, ())
SUBJECT = Subject(
    "s",
    (Case("a", ("Ada",), "Where?", "In Ealing.", ("Ealing",)), Case("a", ("Ada",), "When?", "In spring.", ("Ealing",))),
    (Case("b", ("Bach",), "What?", "A composer.", (), True),),
    {},
    (),
)


class Answering:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.sent: list[Sent] = []

    async def ask(self, sent: Sent) -> Given:
        self.sent.append(sent)
        given: Given = self.answer(sent)
        return given


async def test_a_server_that_refuses_defends_itself_and_one_that_answers_does_not() -> None:
    for status, defended in ((401, True), (200, False), (500, False), (0, False)):
        found = await probe(Answering(lambda _, status=status: Given(status)), AROUND)  # type: ignore[arg-type]
        assert {one["defended"] for one in found} == {defended}
        assert len(found) == len(probes(AROUND))


async def test_a_route_that_looks_for_the_target_has_let_another_site_in() -> None:
    found = await probe(Answering(lambda _: Given(404, code="target_not_found")), AROUND)  # type: ignore[arg-type]
    assert not any(one["defended"] for one in found if "another site pauses" in one["name"])


@pytest.mark.parametrize("finding", ["F2", "F6", "F10", "F11", "F12"])
def test_findings_are_repeated(finding: str) -> None:
    assert any(name.startswith(f"{finding} ") for name in probes(AROUND))


async def test_an_oracle_tells_facts_from_other_words() -> None:
    def tells(sent: Sent) -> Given:
        assert sent.body is not None
        asked = str(sent.body.get("input") or sent.body["structured_outputs"]["choice"][0])
        return Given(200, [""], [asked == "Ealing" and "input" not in sent.body], flagged=asked == "Ealing")

    found = await oracles(Answering(tells), AROUND, SUBJECT)  # type: ignore[arg-type]
    expected = {"facts": 1, "flagged": 1.0, "other_words": 1, "other_flagged": 0.0}
    assert found == {"grammar": expected, "moderations": expected}
