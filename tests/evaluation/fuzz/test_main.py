from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.demo import POLICY
from evaluation.fuzz import __main__ as fuzz


@pytest.mark.parametrize(("found", "status"), [({}, 0), ({"GET /ready: 503": {"count": 1, "examples": []}}, 1)])
def test_the_status_says_whether_something_was_found(
    found: dict[str, Any], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def play(minutes: float, path: Path, examples: int) -> dict[str, Any]:
        asked.append((minutes, path.name, examples))
        return {"found": found}

    monkeypatch.setattr(fuzz, "play", play)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--small"])
    monkeypatch.chdir(tmp_path)
    assert fuzz.main() == status
    assert asked == [(0, "fuzz.json", 1)]


def test_what_the_demo_s_policy_bans_in_every_answer_is_looked_for() -> None:
    policy = fuzz.forbidden_of(POLICY)
    assert "Snjólaug Hveradal" in policy.always
    assert "yrsa-tholmundardal" in policy.targets
    assert json.dumps(policy.questions)
