"""ARCHITECTURE.md against the code: the files it walks through exist, and each call goes down."""

from __future__ import annotations

import re

import grimp
import pytest

from tests.docs.conftest import page
from tests.paths import ROOT

ARCHITECTURE = page("ARCHITECTURE.md")
WALKS = [block for block in ARCHITECTURE.split("\n\n") if block.startswith("    server/") and "└" in block]


def steps(walk: str) -> list[tuple[int, str]]:
    """Return the files of a walk in order, each with its depth."""
    found = []
    for line in walk.splitlines():
        at = re.search(r"[a-z]+/[\w/]*(\.py)?", line)
        if at and not line.startswith("    the answer"):
            found.append((at.start(), at[0]))
    return found


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"\b(?:guard|classifiers|server|evaluation|tests)/[\w/]+\.py", ARCHITECTURE)))
)
def test_every_file_it_names_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_it_walks_two_paths() -> None:
    assert [len(steps(walk)) > 10 for walk in WALKS] == [True, True]


@pytest.mark.parametrize("walk", WALKS)
def test_no_step_jumps_back_up(walk: str) -> None:
    """What a step calls never imports the step's own room, by whatever way."""
    graph = grimp.build_graph("server", "classifiers", "guard")
    callers: list[tuple[int, str]] = []
    for depth, path in steps(walk):
        callers = [caller for caller in callers if caller[0] < depth]
        room, own = [
            ".".join(name.removesuffix(".py").strip("/").split("/")[:2]) for name in (path, callers[-1][1] if callers else path)
        ]
        if room != own:
            assert not graph.chain_exists(room, own, as_packages=True), f"{path} is above {callers[-1][1]}"
        callers.append((depth, path))
