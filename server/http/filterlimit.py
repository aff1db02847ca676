"""Limits how many answers of a client the policy may cut short.

Whoever asks for many words learns from each answer that ends early which of them may not be said. No mask can hide that, so the
server counts such answers and slows down a client that has very many of them.
"""

from __future__ import annotations

from server.http.ratelimit import RateLimiter

_WHAT = "answers that the policy cuts short"


class FilterLimit:
    """Counts answers that the policy cut short, by client (`server.http.authentication.client_of`).

    Args:
        per_minute: how many a client may have per minute, and at once.
        limiter: the buckets; new ones if None.

    Attributes:
        limiter: the buckets.
    """

    def __init__(self, per_minute: int, limiter: RateLimiter | None = None) -> None:
        self._per_minute = per_minute
        self.limiter = limiter or RateLimiter()

    def check(self, client: str) -> None:
        """Raise RateLimited if a client has had too many."""
        self.limiter.check(client, self._per_minute, _WHAT)

    def note(self, client: str) -> None:
        """Count an answer of a client."""
        self.limiter.note(client, self._per_minute)
