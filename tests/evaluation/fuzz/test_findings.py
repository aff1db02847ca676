from __future__ import annotations

from evaluation.fuzz.findings import MOST_EXAMPLES, Findings


def test_findings_of_one_kind_are_counted_and_the_first_are_kept() -> None:
    findings = Findings()
    for number in range(MOST_EXAMPLES + 2):
        findings.add("POST /v1/x: 500", number)
    findings.statuses[500] += 1
    figures = findings.figures()
    assert figures["found"] == {"POST /v1/x: 500": {"count": MOST_EXAMPLES + 2, "examples": [0, 1, 2]}}
    assert figures["statuses"] == {"500": 1}
