"""Writes the report: the figures as JSON, the tables as Markdown, and the page."""

from __future__ import annotations

import json
from pathlib import Path

from evaluation.evidence import goals
from evaluation.evidence.page import columns, newest, page
from evaluation.evidence.summary import Table, markdown

FOLDER = Path(__file__).parent / "record"


def write(table: Table, about: str, folder: Path, name: str) -> Path:
    """Write NAME.json, NAME.md and NAME.html into a folder, and return the page's path.

    Args:
        table: The figures.
        about: What was measured, in a sentence.
        folder: The folder; made if it is missing.
        name: The files' name without its ending.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    parts = ["# What was measured", "", about, "", "## Goals", "", goals.markdown(table)]
    for scenario in table:
        parts += ["", f"## {scenario}", "", markdown(table, scenario, columns(table, scenario))]
    (folder / f"{name}.md").write_text("\n".join(parts) + "\n", encoding="utf-8")
    path = folder / f"{name}.html"
    path.write_text(page(table, about, newest("redteam"), newest("speed")), encoding="utf-8")
    return path
