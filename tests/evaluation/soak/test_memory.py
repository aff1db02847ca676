from __future__ import annotations

import psutil
import pytest

from evaluation.soak.memory import Sample, compared, measured


def test_memory_is_compared_after_the_warm_up() -> None:
    # It grows much at the start, and from 200 to 220 MB after that.
    samples = [Sample(second, 10.0 * second if second < 30 else 200.0 + (second - 30) / 3.5, {}) for second in range(100)]
    first, last = compared(samples, 100)
    assert first == pytest.approx(202.4, abs=0.5)
    assert last == pytest.approx(218.4, abs=0.5)


def test_a_run_without_samples_is_not_judged() -> None:
    with pytest.raises(ValueError, match="run for longer"):
        compared([Sample(0, 1, {})], 100)


def test_processes_that_have_ended_count_nothing() -> None:
    process = psutil.Popen(["true"])
    process.wait()
    sample = measured([psutil.Process(), process], 3.0)
    assert sample.total > 1
    assert list(sample.by_process.values()) == [sample.total]
