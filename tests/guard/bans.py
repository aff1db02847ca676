"""Bans as plain dictionaries, and the same from the slow reference."""

from __future__ import annotations

import math
from collections.abc import Sequence

from guard import reference
from guard.ban import Ban
from guard.phrase import Phrase


def costs(*bans: Ban) -> dict[int, float]:
    """Return token id -> highest penalty."""
    penalties: dict[int, float] = {}
    for ban in bans:
        for token in ban.ids:
            penalties[int(token)] = math.inf
        for token, penalty in zip(ban.soft, ban.penalties, strict=True):
            penalties[int(token)] = max(penalties.get(int(token), 0.0), float(penalty))
    return penalties


def expected(phrases: Sequence[Phrase], tokens: Sequence[bytes | None], said: Sequence[bytes]) -> dict[int, float]:
    """Return token id -> highest penalty of a phrase that the token completes behind the pieces `said`."""
    penalties = {t: reference.penalty(phrases, said, token) for t, token in enumerate(tokens) if token}
    return {t: p for t, p in penalties.items() if p}
