"""Counts by name."""

from __future__ import annotations

from guard.processors.vllm.counts import Counts


def test_a_count_is_taken_once() -> None:
    counts = Counts()
    counts.begin("a")
    counts.add("a")
    counts.begin("a")  # it returns after preemption
    counts.add("a")
    assert counts.take(["a", "b", "a"]) == {"a": 2}
    counts.add("a")
    assert counts.take(["a"]) == {}


def test_the_total_begins_at_0_again() -> None:
    counts = Counts()
    for name in ("a", "b", "a"):
        counts.begin(name)
        counts.add(name)
    assert (counts.total(), counts.total()) == (3, 0)
    counts.add("b")
    assert counts.take(["a", "b"]) == {"a": 0, "b": 1}


def test_the_oldest_is_dropped() -> None:
    counts = Counts(capacity=2)
    for name in ("a", "b", "c"):
        counts.begin(name)
    assert counts.take(["a", "b", "c"]) == {"b": 0, "c": 0}


def test_what_is_known_is_added_before_counts_are_taken() -> None:
    counts = Counts(lambda: counts.add("a"))
    counts.begin("a")
    assert counts.take(["a"]) == {"a": 1}
