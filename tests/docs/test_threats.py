"""docs/threats.md against the tests and the record that it names."""

from __future__ import annotations

import ast
import json
import re
from functools import cache

import pytest

from evaluation.redteam.kinds import KINDS
from tests.docs.conftest import named, page
from tests.paths import ROOT

PAGE = page("docs/threats.md")
COLUMNS = 5
ROWS = [
    cells
    for line in PAGE.splitlines()
    if re.match(r"\| (?:[A-Z]\d|[a-z]+-\d)", line) and (cells := [cell.strip() for cell in line.strip("|").split(" | ")])
]
# Each row of the list of threats, each finding of the two attacks, and each complaint that no other page lists.
EXPECTED = [
    *(f"A{at}" for at in range(1, 14)),
    *(f"W{at}" for at in range(1, 18)),
    *(f"C{at}" for at in range(1, 4)),
    *(f"O{at}" for at in range(1, 19)),
    *(f"S{at}" for at in range(1, 8)),
    *(f"F{at}" for at in range(1, 17)),
    *(f"P{at}" for at in range(1, 9)),
    *("ml-01", "ml-11", "ml-12", "ml-14", "ml-15", "ops-01", "ops-03", "ops-05", "ops-06", "ops-07", "api-11"),
]


@cache
def functions(path: str) -> dict[str, str]:
    """Return the tests of a file by name, each with its decorators."""
    text = (ROOT / path).read_text("utf-8")
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {one.name: "\n".join(ast.unparse(decorator) for decorator in one.decorator_list) for one in found}


@cache
def record() -> dict[str, dict[str, dict[str, float | None]]]:
    """Return the figures of each kind in the record that the page names, by forget set."""
    (path,) = set(re.findall(r"\(\.\./(evaluation/redteam/record/[\w-]+\.json)\)", PAGE))
    found = json.loads((ROOT / path).read_text("utf-8"))
    return {name: held["kinds"] for name, held in found.items()}


def test_every_threat_has_a_row_and_no_row_is_there_twice() -> None:
    assert [cells[0] for cells in ROWS] == EXPECTED
    assert {len(cells) for cells in ROWS} == {COLUMNS}


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0])
@pytest.mark.slow
def test_every_test_that_a_row_names_exists(cells: list[str]) -> None:
    tests = named(cells[3])
    assert tests
    for test in tests:
        path, *_, name = test.split("::")
        name, _, parameter = name.partition("[")
        assert name.startswith("test_")
        assert name in functions(path), f"{path} has no {name}"
        if parameter:
            assert "parametrize('kind', KINDS" in functions(path)[name]
            assert parameter.rstrip("]") in KINDS


@pytest.mark.parametrize("cells", ROWS, ids=lambda cells: cells[0])
def test_a_row_says_what_is_done_and_what_was_measured(cells: list[str]) -> None:
    _, threat, done, _, rate = cells
    assert threat.endswith(".")
    assert done.endswith((".", ")."))
    if rate.startswith(("no rate: ", "measured: ")):
        assert len(rate) > 20
        return
    shown = re.findall(r"`(\w+)` (\d+|–)/(\d+|–)", rate)
    assert shown, rate
    for kind, *percent in shown:
        assert kind in KINDS
        measured = [record().get(name, {}).get(kind, {}).get("leak_at_20") for name in ("people", "known")]
        assert percent == ["–" if one is None else f"{100 * one:.0f}" for one in measured]


def test_every_kind_of_attack_is_in_a_row() -> None:
    shown = {kind for cells in ROWS for kind in re.findall(r"`(\w+)` (?:\d+|–)/", cells[4])}
    assert set(KINDS) - shown == set()
