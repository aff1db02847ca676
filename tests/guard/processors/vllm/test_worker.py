"""What the front end asks of a worker: to load, to forget, to count."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from guard.errors import GuardError
from guard.phrase import Phrase
from guard.processors.vllm.v1 import V1LogitsProcessor
from guard.processors.vllm.worker import GuardWorkerExtension
from tests.guard.processors.vllm.conftest import stored

UNKNOWN = "0" * 64


def worker_of(*processors: object) -> GuardWorkerExtension:
    worker = GuardWorkerExtension()
    worker.model_runner = SimpleNamespace(
        device="cpu", input_batch=SimpleNamespace(logitsprocs=SimpleNamespace(all=list(processors)))
    )
    return worker


@pytest.fixture
def worker(processor: V1LogitsProcessor) -> GuardWorkerExtension:
    return worker_of(object(), processor)


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """A restriction in the processor's folder."""
    return stored(tmp_path, Phrase("tea"))


def test_a_worker_loads_what_is_stored_and_tells_what_is_not(worker: GuardWorkerExtension, digest: str) -> None:
    failed: dict[str, str] = {}
    for _ in range(500):
        answer = worker.guard_load([digest, UNKNOWN])
        failed |= answer["failed"]
        if answer["held"] and failed:
            break
        time.sleep(0.01)
    assert answer["held"] == [digest]
    assert list(failed) == [UNKNOWN]


def test_a_worker_says_how_many_it_holds_and_changes_nothing(worker: GuardWorkerExtension, digest: str) -> None:
    assert worker.guard_held([digest, UNKNOWN]) == 0
    worker.guard_load([digest])
    assert worker.guard_held([digest, UNKNOWN]) == 1


def test_a_worker_forgets(worker: GuardWorkerExtension, digest: str) -> None:
    worker.guard_load([digest])
    assert worker.guard_forget([digest, UNKNOWN]) == {"held": [], "failed": {}}
    assert worker.guard_held([digest]) == 0


def test_names_that_are_not_counted_here_are_left_out(worker: GuardWorkerExtension) -> None:
    assert worker.guard_suppressed(["gd-1"]) == {}


def test_a_worker_without_the_processor_says_so() -> None:
    with pytest.raises(GuardError, match="not loaded"):
        worker_of(object()).guard_load([])
