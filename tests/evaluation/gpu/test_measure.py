"""The measurement in its small form, and what its tables say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from evaluation.gpu import measure


def test_without_a_gpu_the_record_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    results = measure.measure(measure.Effort())
    assert results == {"device": "none", "measured": False}
    assert "Not measured" in measure.write(results, tmp_path / "new").read_text("utf-8")
    assert json.loads((tmp_path / "new" / "gpu.json").read_text("utf-8")) == results


@pytest.mark.slow
def test_each_batch_is_compared_with_drafts_and_without(tmp_path: Path) -> None:
    measure.prepare(measure.SMALL, tmp_path)
    results = measure.measure(measure.SMALL, tmp_path)
    assert [(row["batch"], row["drafts"], row["wrong_rows"]) for row in results["rows"]] == [(2, 0, 0), (2, 3, 0)]
    for row in results["rows"]:
        assert set(row["ratio"]) == {"guard", "hits"}
        assert all(len(times) == measure.SMALL.rounds for times in row["times"].values())
    table = measure.table(results)
    assert "| 2 | 3 |" in table
    assert "200 phrases" in table
