from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from classifiers.answering import SAY
from evaluation.answers import record
from evaluation.answers.figures import figures
from evaluation.answers.run import Subject
from tests.evaluation.answers.measuring import asked, finished, subject

__all__ = ["asked", "subject"]

pytestmark = pytest.mark.slow


async def test_the_record_has_every_system(subject: Subject, asked: dict[str, Any], tmp_path: Path) -> None:
    found = figures(await finished(subject, tmp_path / "parts"), [SAY])
    results = {"effort": {"tokens": 16, "samples": 2, "sampled": 3, "timed": 2}, "known": found, "people": found}
    path = record.write(results, "2026-01-01", tmp_path)
    text = path.read_text("utf-8")
    assert text.count("| none |") == text.count("| default |") == 2 * 6
    assert "| none | 14 | 100.0% |" in text
    assert json.loads((tmp_path / "2026-01-01.json").read_text("utf-8"))["known"]["none"]["exact"] == 1
    assert (tmp_path / "2026-01-01.png").stat().st_size > 1000
