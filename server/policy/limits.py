"""How much one target may have. The API, an import and the policy file have the same limits, so each takes what another took."""

from __future__ import annotations

from collections.abc import Iterator

from classifiers import ForgetTarget

MAX_EXAMPLES = 1000
"""How many examples, documents or aliases a target may have."""
MAX_PHRASES = 10_000
"""How many phrases a target may have."""

_LIMITS = (("aliases", MAX_EXAMPLES), ("examples", MAX_EXAMPLES), ("documents", MAX_EXAMPLES), ("phrases", MAX_PHRASES))


def excesses(target: ForgetTarget) -> Iterator[tuple[str, str]]:
    """Yield each field of a target that has too many entries, and a message about it."""
    for name, most in _LIMITS:
        if (found := len(getattr(target, name))) > most:
            yield name, f"{found} of them, and a target may have {most}: make several targets of this one"
