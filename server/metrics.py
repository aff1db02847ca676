"""Counters for Prometheus.

No label names a target or holds a text: it is confidential which names are on the list.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


Outcome = Literal["continued", "exhausted"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What becomes of a rollback: the answer goes on another way, or no way is left."""


Judged = Literal["yes", "no", "timeout", "error", "unusable", "unasked"]
JUDGED: tuple[Judged, ...] = get_args(Judged)
"""What a judge said about a prompt in doubt. After any but `no`, the prompt counts as about the target."""


@dataclass(frozen=True, slots=True)
class AnswerCounts:
    """What became of answers since the process started.

    Attributes:
        hits: steps at which an answer was about to say a phrase and was stopped.
        continued: rollbacks after which the answer went on another way.
        exhausted: rollbacks after which no way was left.
        abstentions: choices in which the policy's text replaced a part.
        escalations: answers that turned out to be about a target that their prompt did not show.
        verifier_misses: what the verifier found past the mask.
    """

    hits: int
    continued: int
    exhausted: int
    abstentions: int
    escalations: int
    verifier_misses: int


class Metrics:
    """The server's own metrics, in a registry of their own so that two applications in one process do not share counters."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = Counter("guard_decisions", "Requests screened, by verdict", ["verdict"], registry=self._registry)
        self._seconds = Histogram("guard_screening_seconds", "Time to a decision", registry=self._registry, buckets=_SECONDS)
        self._dead_ends = Counter(
            "guard_dead_ends", "Choices that ended because nothing was left to say", registry=self._registry
        )
        self._hits = Counter(
            "guard_hits", "Steps at which an answer was about to say a phrase and was stopped", registry=self._registry
        )
        self._rollbacks = Counter("guard_rollbacks", "Rollbacks of an answer, by outcome", ["outcome"], registry=self._registry)
        self._abstentions = Counter(
            "guard_abstentions", "Choices in which the policy's text replaced a part", registry=self._registry
        )
        self._escalations = Counter(
            "guard_escalations", "Answers found to be about a target that their prompt did not show", registry=self._registry
        )
        self._misses = Counter(
            "guard_verifier_misses",
            "What the verifier found in an answer past the mask, by kind",
            ["kind"],
            registry=self._registry,
        )
        for outcome in OUTCOMES:
            self._rollbacks.labels(outcome)
        self._judged = Counter(
            "guard_judge_questions",
            "Prompts in doubt about a target, by what the judge said",
            ["outcome"],
            registry=self._registry,
        )
        self._judge_seconds = Histogram(
            "guard_judge_seconds", "Time to an answer of the judge", registry=self._registry, buckets=_SECONDS
        )
        for told in JUDGED:
            self._judged.labels(told)
        self._filtered = Counter(
            "guard_filtered",
            "Choices that the policy cut short, by the role of the key that asked",
            ["role"],
            registry=self._registry,
        )
        self._noted: Callable[[], None] = lambda: None
        self._answered = Counter("guard_responses", "Responses, by HTTP status", ["status"], registry=self._registry)
        self._snapshot = Gauge("guard_policy_snapshot", "Number of the policy snapshot in force", registry=self._registry)

    def of(self, role: str, filtered: Callable[[], None]) -> Metrics:
        """Return these metrics for a request of a key with this role. `filtered` is called for each choice that is cut short."""
        own = copy.copy(self)  # with the same counters

        def noted() -> None:
            self._filtered.labels(role).inc()
            filtered()

        own._noted = noted
        return own

    def screened(self, verdict: str, seconds: float) -> None:
        """Count a request with this verdict, and the seconds that the decision took."""
        self._decisions.labels(verdict).inc()
        self._seconds.observe(seconds)

    def judged(self, outcome: Judged, seconds: float | None = None) -> None:
        """Count what the judge said about a prompt and a target, and the seconds that it took if it was asked."""
        self._judged.labels(outcome).inc()
        if seconds is not None:
            self._judge_seconds.observe(seconds)

    def dead_end(self) -> None:
        """Count a choice that ended in `content_filter`."""
        self._dead_ends.inc()
        self._noted()

    def hit(self) -> None:
        """Count a step at which an answer was about to say a phrase and was stopped."""
        self._hits.inc()

    def rollback(self, outcome: Outcome) -> None:
        """Count a rollback that went on another way (`continued`), or had no retries left (`exhausted`)."""
        self._rollbacks.labels(outcome).inc()

    def abstained(self) -> None:
        """Count a choice in which the policy's text replaced a part."""
        self._abstentions.inc()
        self._noted()

    def escalated(self) -> None:
        """Count an answer that turned out to be about a target that its prompt did not show."""
        self._escalations.inc()

    def verifier_miss(self, kind: str) -> None:
        """Count what the verifier found past the mask. `kind` says how it was written, such as `near`, and names no target."""
        self._misses.labels(kind).inc()

    def answers(self) -> AnswerCounts:
        """Return what became of answers since the process started, over all targets."""

        return AnswerCounts(
            hits=_total(self._hits),
            continued=_total(self._rollbacks, "continued"),
            exhausted=_total(self._rollbacks, "exhausted"),
            abstentions=_total(self._abstentions),
            escalations=_total(self._escalations),
            verifier_misses=_total(self._misses),
        )

    def answered(self, status: int) -> None:
        """Count a response."""
        self._answered.labels(str(status)).inc()

    def snapshot(self, number: int) -> None:
        """Set the number of the snapshot in force."""
        self._snapshot.set(number)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _total(counter: Counter, label: str | None = None) -> int:
    """Return what a counter has counted, over all its labels or with one."""
    samples = [sample for metric in counter.collect() for sample in metric.samples if sample.name.endswith("_total")]
    return int(sum(sample.value for sample in samples if label is None or label in sample.labels.values()))
