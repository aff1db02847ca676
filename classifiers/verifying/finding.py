"""A finding: a place in an answer that must not leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["exact", "disguised", "name", "fact"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place in an answer that must not leave. The `repr` does not show the text.

    Attributes:
        start, end: Where it is in the text, in characters. For a text that was hidden as a whole run (base64, reversed words, the
            first letters of lines), it is that run.
        kind: "exact" for what the mask bans, "disguised" for the same in another reading of the text, "name" for a word that is
            nearly one of a target's words, "fact" for most of a phrase's letters.
        target_id: The matched target that it belongs to; None for a phrase of another target.
    """

    start: int
    end: int
    kind: Kind
    target_id: str | None = None


def merged(findings: list[Finding]) -> list[Finding]:
    """Return the findings in the order of the text, overlapping ones as one.

    It covers all of them, and has the kind and the target of the first of them in the order of `Kind`, one with a target before
    one without.
    """
    found: list[Finding] = []
    group: list[Finding] = []
    end = -1
    for finding in sorted(findings, key=lambda one: (one.start, one.end)):
        if finding.start >= end and group:
            found.append(_joined(group))
            group = []
        end = max(end, finding.end) if group else finding.end
        group.append(finding)
    return [*found, _joined(group)] if group else found


_ORDER: tuple[Kind, ...] = ("exact", "disguised", "name", "fact")


def _joined(group: list[Finding]) -> Finding:
    best = min(group, key=lambda one: (_ORDER.index(one.kind), one.target_id is None))
    owner = best.target_id or next((one.target_id for one in group if one.target_id), None)
    return Finding(min(one.start for one in group), max(one.end for one in group), best.kind, owner)
