from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from evaluation.soak import __main__ as soak
from tests.evaluation.soak.test_record import RESULTS


@pytest.mark.slow
@pytest.mark.parametrize(("ends", "status"), [({"length": 3}, 0), ({"lost": 1}, 1)])
def test_the_small_form_is_written_and_judged(
    ends: dict[str, int], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def run(effort: soak.Effort) -> dict[str, Any]:
        asked.append(effort)
        return {**RESULTS, "ends": ends}

    monkeypatch.setattr(soak, "run", run)
    monkeypatch.setattr(sys, "argv", ["soak", "--small"])
    monkeypatch.chdir(tmp_path)
    assert soak.main() == status
    assert asked == [soak.SMALL]
    assert (tmp_path / "build" / "small" / "soak.md").is_file()


def test_the_targets_have_as_many_phrases_as_asked_and_none_twice() -> None:
    made = list(soak.targets(250))
    assert len(made) == 3
    texts = [phrase["text"] for target in made for phrase in target["phrases"]]
    assert len(texts) == len(set(texts)) == 250
