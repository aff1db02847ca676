from __future__ import annotations

import json
from pathlib import Path

from evaluation.evidence.report import write
from tests.evaluation.evidence.tables import table


def test_figures_tables_and_the_page_are_written(tmp_path: Path) -> None:
    path = write(table(), "TOFU; seeds 0, 1.", tmp_path / "record", "2026-01-02")
    assert path.name == "2026-01-02.html"
    assert json.loads(path.with_suffix(".json").read_text()) == table()
    text = path.with_suffix(".md").read_text()
    assert text.index("## Goals") < text.index("| false alarms |") < text.index("## forget10") < text.index("| abstain |")
    assert "## one by one/20" in text
