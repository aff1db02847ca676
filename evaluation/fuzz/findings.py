"""What a run of the fuzzer finds, and how much it tried."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_EXAMPLES = 3
"""The most examples that are kept of findings of one kind."""


@dataclass
class Findings:
    """Counts what was tried, and keeps what went wrong.

    Attributes:
        tried: How many cases of each part were tried.
        statuses: How many answers had each HTTP status.
        found: For each kind of finding, how often it came and its first examples.
    """

    tried: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, kind: str, example: Any) -> None:
        """Note one finding of a kind, with an example from which a test can be made."""
        known = self.found.setdefault(kind, {"count": 0, "examples": []})
        known["count"] += 1
        if len(known["examples"]) < MOST_EXAMPLES:
            known["examples"].append(example)

    def figures(self) -> dict[str, Any]:
        """Return all of it for JSON."""
        return {
            "tried": dict(sorted(self.tried.items())),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "found": self.found,
        }
