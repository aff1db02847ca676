"""What xgrammar can enforce. vLLM 0.32 constrains tool calls with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def enforceable(schema: Mapping[str, Any]) -> bool:
    """Return whether xgrammar accepts a JSON schema. Without xgrammar, no schema is enforceable."""
    try:
        from xgrammar import Grammar

        Grammar.from_json_schema(json.dumps(schema))
    except (ImportError, RuntimeError, ValueError, TypeError):
        return False
    return True
