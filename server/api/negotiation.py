"""Content negotiation: the media type that a client prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence


def preferred(accept: str | None, offered: Sequence[str]) -> str:
    """Return the type in `offered` that `accept` weighs most; the first of equal ones, and the first if none is accepted."""
    ranges: list[tuple[str, float]] = []
    for part in (accept or "*/*").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        ranges.append((name, min((_weight(p) for p in parameters), default=1.0)))

    def weight(media: str) -> float:
        for wanted in (media, media.partition("/")[0] + "/*", "*/*"):
            found = [quality for name, quality in ranges if name == wanted]
            if found:
                return max(found)
        return 0.0

    return max(offered, key=weight)


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return min(1.0, max(0.0, float(value))) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
