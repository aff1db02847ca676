"""Bounds of 64 bits in schemas."""

from __future__ import annotations

from typing import Any

import pytest

from server.openai.schemas import within_64_bits

LARGE, MOST = 2**64 - 1, 2**63 - 1


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 0, "maximum": LARGE}, {"type": "integer", "minimum": 0, "maximum": MOST}),
        ({"type": ["integer", "null"], "exclusiveMaximum": 1e19}, {"type": ["integer", "null"], "exclusiveMaximum": MOST}),
        ({"maxLength": 2**31, "maxItems": 2**32 - 1}, {}),
        ({"maxLength": 2**31 - 1}, {"maxLength": 2**31 - 1}),
        ({"maxLength": LARGE, "maxItems": LARGE, "maxProperties": LARGE, "minLength": 1}, {"minLength": 1}),
        # xgrammar takes these.
        ({"type": "number", "maximum": LARGE}, {"type": "number", "maximum": LARGE}),
        ({"const": {"maximum": LARGE}, "default": LARGE}, {"const": {"maximum": LARGE}, "default": LARGE}),
        ({"maximum": MOST, "maxLength": 5}, {"maximum": MOST, "maxLength": 5}),
        # A property of that name.
        ({"properties": {"maximum": {"maximum": LARGE}}}, {"properties": {"maximum": {"maximum": MOST}}}),
        ([{"function": {"parameters": {"maximum": LARGE}}}], [{"function": {"parameters": {"maximum": MOST}}}]),
        ("x", "x"),
    ],
)
def test_clients_18_schema_with_u64_maximum(schema: Any, expected: Any) -> None:
    assert within_64_bits(schema) == expected
