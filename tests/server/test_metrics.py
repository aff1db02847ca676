"""Metrics: they count, and name no target."""

from __future__ import annotations

import httpx
import pytest

from server.metrics import JUDGED, AnswerCounts, Metrics


@pytest.mark.slow
async def test_metrics_count_but_do_not_tell(client: httpx.AsyncClient) -> None:
    await client.post("/v1/chat/completions", json={"model": "fake", "messages": [{"role": "user", "content": "Hatta?"}]})
    text = (await client.get("/metrics")).text
    assert 'guard_decisions_total{verdict="restrict"} 1.0' in text
    assert "vllm:fake 1" in text
    assert "hatt" not in text.lower()


@pytest.mark.parametrize("verdict", ["allow", "restrict", "refuse", "monitor"])
def test_a_decision_is_counted_by_its_verdict_with_its_time(verdict: str) -> None:
    metrics = Metrics()
    metrics.screened(verdict, 0.015)
    text = metrics.text().decode()
    assert f'guard_decisions_total{{verdict="{verdict}"}} 1.0' in text
    assert 'guard_screening_seconds_bucket{le="0.01"} 0.0' in text
    assert 'guard_screening_seconds_bucket{le="0.02"} 1.0' in text


def test_dead_ends_are_counted() -> None:
    metrics = Metrics()
    metrics.dead_end()
    assert b"guard_dead_ends_total 1.0" in metrics.text()


def test_the_snapshot_in_force_is_told() -> None:
    metrics = Metrics()
    metrics.snapshot(7)
    assert b"guard_policy_snapshot 7.0" in metrics.text()


def test_two_applications_count_by_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.dead_end()
    assert b"guard_dead_ends_total 0.0" in other.text()


def test_what_became_of_answers_is_counted_and_told() -> None:
    metrics = Metrics()
    assert metrics.answers() == AnswerCounts(0, 0, 0, 0, 0, 0)
    for call, times in ((metrics.hit, 5), (metrics.abstained, 3), (metrics.escalated, 2)):
        for _ in range(times):
            call()
    for outcome in ("continued", "continued", "exhausted"):
        metrics.rollback(outcome)  # type: ignore[arg-type]
    for kind in ("near", "near", "reversed"):
        metrics.verifier_miss(kind)
    assert metrics.answers() == AnswerCounts(hits=5, continued=2, exhausted=1, abstentions=3, escalations=2, verifier_misses=3)
    text = metrics.text().decode()
    assert 'guard_rollbacks_total{outcome="continued"} 2.0' in text
    assert 'guard_verifier_misses_total{kind="near"} 2.0' in text
    for name, count in (("hits", 5), ("abstentions", 3), ("escalations", 2)):
        assert f"guard_{name}_total {count}.0" in text


def test_what_the_judge_says_is_counted_and_no_outcome_is_missing() -> None:
    metrics = Metrics()
    metrics.judged("timeout", 1.5)
    metrics.judged("unasked")
    text = metrics.text().decode()
    for outcome in JUDGED:
        count = float(outcome in ("timeout", "unasked"))
        assert f'guard_judge_questions_total{{outcome="{outcome}"}} {count}' in text
    assert "guard_judge_seconds_count 1.0" in text
