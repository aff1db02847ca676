from __future__ import annotations

from typing import Any

import pytest

from evaluation.fuzz import parsing
from evaluation.fuzz.findings import Findings


@pytest.mark.slow
def test_every_property_gets_its_inputs_and_holds() -> None:
    findings = Findings()
    parsing.try_all(findings, 0, 20)
    assert findings.tried == {"body": 20, "request": 20, "stream": 20, "folding": 20}
    assert findings.found == {}


def test_a_property_that_does_not_hold_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(value: Any) -> None:
        raise KeyError(value)

    monkeypatch.setattr(parsing, "PROPERTIES", {"body": (broken, parsing.PROPERTIES["body"][1])})
    findings = Findings()
    parsing.try_all(findings, 0, 5)
    assert findings.found["body: KeyError"]["count"] == findings.tried["body"] > 0


def test_a_status_of_the_server_s_own_fault_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.errors import EngineFailure

    def fails(*_: Any, **__: Any) -> Any:
        raise EngineFailure("broken")

    monkeypatch.setattr(parsing, "parse_json", fails)
    with pytest.raises(AssertionError, match="502"):
        parsing.body(b"{}")
