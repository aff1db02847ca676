from __future__ import annotations

import pytest

from classifiers.naming.vowelless import VowellessIndex

NAMES = ["yrsa tholmundardal", "carmen montenegro", "ada li", "grigg smth prkns"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("whr ws yrs thlmndrdl brn", {0}),
        ("where was rs thlmndrdl born", {0}),  # y left out too
        ("crmn mntngr", {1}),
        ("crmn said mntngr", set()),
        ("carmen montenegro", set()),
        ("d l", set()),  # too short
        ("html css xml sql", set()),
        ("", set()),
    ],
)
def test_found(text: str, found: set[int]) -> None:
    assert VowellessIndex(NAMES).find(text) == found


def test_a_name_without_vowels_is_not_its_own_disguise() -> None:
    assert VowellessIndex(["grgg smth prkns"]).find("grgg smth prkns") == set()
