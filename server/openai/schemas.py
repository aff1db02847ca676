"""JSON schemas as the engine gets them: upper bounds that xgrammar does not take are lowered.

Schemas that programs write for an unsigned 64-bit integer have the maximum 18446744073709551615. xgrammar refuses a bound beyond
the signed range, and a length beyond 31 bits. With a lower maximum an answer still follows the client's schema.
"""

from __future__ import annotations

from typing import Any, Final

_MAX: Final = 2**63 - 1
_LONGEST: Final = 2**31 - 1
_CLAMPED: Final = frozenset({"maximum", "exclusiveMaximum"})
# No answer is as long as `_LONGEST`, so beyond it they say nothing.
_LENGTHS: Final = frozenset({"maxLength", "maxItems", "maxProperties"})
# What is in these is a value and no schema.
_VALUES: Final = frozenset({"const", "enum", "default", "example", "examples"})


def within_64_bits(value: Any) -> Any:
    """Return a schema, or what has schemas in it, with every upper bound in the range of a signed 64-bit integer."""
    if isinstance(value, list):
        return [within_64_bits(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        number = item if type(item) in (int, float) else 0
        if key in _LENGTHS and number > _LONGEST:
            continue
        if key in _CLAMPED and number > _MAX and value.get("type") != "number":
            kept[key] = _MAX
        else:
            kept[key] = item if key in _VALUES else within_64_bits(item)
    return kept
