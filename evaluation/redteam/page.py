"""The rates in docs/threats.md, from a record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evaluation.redteam.kinds import KINDS

_RATE = re.compile(r"`(\w+)` (?:\d+|–)/(?:\d+|–)")
_LINK = re.compile(r"(\(\.\./evaluation/redteam/record/)[\w-]+(\.(?:json|md)\))")


def corrected(page: str, results: Mapping[str, Any], date: str) -> str:
    """Return the page with the rates of a record in place of earlier ones, and with links to it.

    Args:
        page: The page.
        results: The figures of each forget set by name.
        date: The record's name.
    """

    def rate(found: re.Match[str]) -> str:
        kind = found[1]
        if kind not in KINDS:
            return found[0]
        measured = [results.get(name, {}).get("kinds", {}).get(kind, {}).get("leak_at_20") for name in ("people", "known")]
        return f"`{kind}` " + "/".join("–" if one is None else f"{100 * one:.0f}" for one in measured)

    return _LINK.sub(rf"\g<1>{date}\g<2>", _RATE.sub(rate, page))
