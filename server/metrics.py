"""Counters for Prometheus.

No label names a target or holds a text: it is confidential which names are on the list.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The server's own metrics, in a registry of their own so that two applications in one process do not share counters."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = Counter("guard_decisions", "Requests screened, by verdict", ["verdict"], registry=self._registry)
        self._seconds = Histogram("guard_screening_seconds", "Time to a decision", registry=self._registry, buckets=_SECONDS)
        self._dead_ends = Counter(
            "guard_dead_ends", "Choices that ended because nothing was left to say", registry=self._registry
        )
        self._answered = Counter("guard_responses", "Responses, by HTTP status", ["status"], registry=self._registry)
        self._snapshot = Gauge("guard_policy_snapshot", "Number of the policy snapshot in force", registry=self._registry)

    def screened(self, verdict: str, seconds: float) -> None:
        """Count a request with this verdict, and the seconds that the decision took."""
        self._decisions.labels(verdict).inc()
        self._seconds.observe(seconds)

    def dead_end(self) -> None:
        """Count a choice that ended in `content_filter`."""
        self._dead_ends.inc()

    def answered(self, status: int) -> None:
        """Count a response."""
        self._answered.labels(str(status)).inc()

    def snapshot(self, number: int) -> None:
        """Set the number of the snapshot in force."""
        self._snapshot.set(number)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)
