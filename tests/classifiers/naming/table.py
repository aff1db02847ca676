"""Names of well-known people with their spellings in other scripts."""

from __future__ import annotations

from pathlib import Path

SCRIPTS = ("ru", "el", "ar", "he", "ko", "ja", "hi", "th", "ka", "hy", "zh")
_LINES = Path(__file__).with_name("foreign_names.txt").read_text("utf-8").splitlines()
ROWS = [line.split("|") for line in _LINES if line and not line.startswith("#")]
NAMES = [row[0] for row in ROWS]


def spellings(script: str, check: bool | None = None) -> list[tuple[int, str]]:
    """Return the index of each name and its spelling; with `check`, of those for checking alone, or of the others."""
    column = 1 + SCRIPTS.index(script)
    return [(at, row[column]) for at, row in enumerate(ROWS) if row[column] != "-" and check in (None, bool(at % 2))]
