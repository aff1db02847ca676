"""What the tests of the documentation share."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.paths import ROOT


def page(name: str) -> str:
    """Return the text of a page of the documentation."""
    return (ROOT / name).read_text("utf-8")


def rows(text: str, columns: int) -> list[list[str]]:
    """Return the cells of all table rows with so many columns, headings and rules left out."""
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")]
    return [cells for cells in found if len(cells) == columns]


def named(cell: str) -> list[str]:
    """Return what a cell names in backticks."""
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture
def read() -> Callable[[str], str]:
    return page
