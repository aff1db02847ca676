"""Schemas that xgrammar accepts, and those that it does not."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from server.engine.grammars import enforceable


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": {"name": {"enum": ["Ann"]}}, "required": ["name"]}, True),
        ({"type": "object"}, True),
        ({}, True),
        ({"type": "integer", "maximum": 2**63 - 1}, True),
        ({"type": "strin"}, False),
        ({"type": "object", "properties": {"n": {"type": "integer", "maximum": 2**64 - 1}}}, False),
    ],
)
def test_what_can_be_enforced(schema: dict[str, Any], expected: bool) -> None:
    pytest.importorskip("xgrammar")
    assert enforceable(schema) is expected


def test_without_xgrammar_nothing_is_enforceable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xgrammar", None)
    assert not enforceable({"type": "object"})
