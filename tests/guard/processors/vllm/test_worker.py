"""What the front end asks of a worker: to load, to forget, to count."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from guard.errors import GuardError
from guard.phrase import Phrase
from guard.processors.vllm.v1 import V1LogitsProcessor
from guard.processors.vllm.worker import GuardWorkerExtension
from tests.guard.processors.vllm.conftest import (
    DEAD_END,
    WIDTH,
    config,
    ids_completing,
    minus_infinity,
    params,
    stored,
    update,
)

UNKNOWN = "0" * 64


def worker_of(*processors: object) -> GuardWorkerExtension:
    worker = GuardWorkerExtension()
    worker.model_runner = SimpleNamespace(
        device="cpu", input_batch=SimpleNamespace(logitsprocs=SimpleNamespace(all=list(processors)), generators={})
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


def leased(tokenizer: PreTrainedTokenizerFast, folder: Path) -> V1LogitsProcessor:
    """Return the processor of an engine of a fleet."""
    return V1LogitsProcessor(config(tokenizer, {"guard": {"folder": str(folder)}}), torch.device("cpu"), False)


def test_a_worker_of_a_fleet_says_nothing_unless_it_was_opened(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    processor = leased(tokenizer, tmp_path)
    worker = worker_of(processor)
    processor.update_state(update(2, added=[(0, params([]), [3], []), (1, params([stored(tmp_path, Phrase("tea"))]), [3], [])]))

    def banned() -> list[set[int]]:
        logits = processor.apply(torch.zeros(2, WIDTH))
        return [minus_infinity(logits, row) for row in range(2)]

    nothing = set(range(WIDTH)) - {DEAD_END}
    assert banned() == [nothing, nothing]
    worker.guard_open(60)
    assert banned()[0] == set()
    assert DEAD_END in banned()[1] < set(range(WIDTH))
    worker.guard_open(0)
    assert banned() == [nothing, nothing]


def test_a_worker_of_one_front_end_cannot_be_leased(worker: GuardWorkerExtension) -> None:
    with pytest.raises(GuardError, match="alone"):
        worker.guard_open(60)


def test_a_worker_counts_all_that_it_suppressed(
    worker: GuardWorkerExtension, processor: V1LogitsProcessor, tokenizer: PreTrainedTokenizerFast, digest: str
) -> None:
    (tea,) = ids_completing(tokenizer, "the", " tea") & set(tokenizer.encode(" tea", add_special_tokens=False))
    output: list[int] = []
    processor.update_state(update(1, added=[(0, params([digest], name="gd-1"), [3], output)]))
    for _ in range(3):
        logits = torch.zeros(1, WIDTH)
        logits[0, tea] = 5.0
        processor.apply(logits)
        output.append(5)
        processor.update_state(None)
    assert worker.guard_total() == 3
    assert worker.guard_total() == 0
