"""Suppressed tokens: counted when the likeliest was banned, in each step whose sample was kept, and in no other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast
from vllm.v1.sample.logits_processor import MoveDirectionality

from guard.decoding.edits import Edits
from guard.phrase import Phrase
from guard.processors.vllm.suppressed import CountedRow, Suppressed
from guard.processors.vllm.v1 import V1LogitsProcessor
from guard.processors.vllm.worker import GuardWorkerExtension
from tests.guard.processors.vllm.conftest import END, WIDTH, ids_completing, params, stored, update

NONE = np.empty(0, np.int64)


def edits(pairs: Sequence[tuple[int, int]], closed: Sequence[int] = ()) -> Edits:
    banned = np.array(pairs, np.int64).reshape(-1, 2).T
    return Edits(np.ascontiguousarray(banned), np.empty((2, 0), np.int64), np.empty(0, np.float32), np.array(closed, int), NONE)


class Steps:
    """A batch that goes on step by step: what the engine and the processor do around the counts."""

    def __init__(self, suppressed: Suppressed, names: Sequence[str], dtype: torch.dtype = torch.float32) -> None:
        self.suppressed = suppressed
        self.rows = [CountedRow((), (), [], name=name, ends=[END]) for name in names]
        self.dtype = dtype
        for name in names:
            suppressed.begin(name)
        suppressed.arrange(dict(enumerate(self.rows)))

    def step(self, logits: torch.Tensor, done: Edits, sampled: Sequence[int | None]) -> None:
        logits = logits.to(self.dtype, copy=True)
        self.suppressed.before(logits, done)
        for row, token in done.banned.T.tolist():
            logits[row, token] = -torch.inf
        self.suppressed.after(logits)
        for row, token in zip(self.rows, sampled, strict=True):
            if token is not None:
                row.output.append(token)  # type: ignore[attr-defined]


@st.composite
def batches(draw: st.DrawFn) -> tuple[torch.Tensor, list[tuple[int, int]], list[int]]:
    """Logits with ties, repeated bans, and closed rows."""
    rows, width = draw(st.integers(1, 4)), draw(st.sampled_from([1, 5, 300, 700]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.integers(0, draw(st.sampled_from([2, 1000])), (rows, width)).astype(np.float32)
    logits[rng.random((rows, width)) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = -np.inf
    highest = [(row, int(logits[row].argmax())) for row in range(rows)]
    count = draw(st.sampled_from([0, 1, 10, 2000]))
    pairs = [*zip(rng.integers(0, rows, count).tolist(), rng.integers(0, width, count).tolist(), strict=True)]
    pairs += [pair for pair in highest if draw(st.booleans())]
    return torch.from_numpy(logits), pairs, [row for row in range(rows) if draw(st.integers(0, 4)) == 0]


@settings(deadline=None)
@given(batches())
def test_what_is_counted_is_what_argmax_says(
    batch: tuple[torch.Tensor, list[tuple[int, int]], list[int]],
) -> None:
    logits, pairs, closed = batch
    expected = {}
    for row, values in enumerate(logits):
        token = int(values.argmax())
        expected[str(row)] = int((row, token) in pairs and row not in closed and values[token].item() > -np.inf)
    # In double precision the counts go the other way, that of a GPU.
    for dtype in (torch.float32, torch.float64):
        run = Steps(Suppressed(), list(expected), dtype)
        run.step(logits, edits(pairs, closed), [7] * len(logits))
        assert run.suppressed.take(expected) == expected


LOGITS = torch.tensor([[0.0, 3.0, 1.0, 2.0], [5.0, 1.0, 1.0, 0.0]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sample_that_the_engine_throws_away_does_not_count(dtype: torch.dtype) -> None:
    run = Steps(Suppressed(), ["a", "b"], dtype)
    both = edits([(0, 1), (1, 0)])
    run.step(LOGITS, both, [None, 3])  # the first row's prompt is not read to its end
    run.step(LOGITS, both, [None, 3])
    run.step(LOGITS, both, [3, None])
    run.step(LOGITS, edits([(0, 2)]), [1, END])
    run.step(LOGITS, both, [3, 3])  # vLLM does not know yet that the second row has ended
    assert run.suppressed.take(["a", "b", "c"]) == {"a": 2, "b": 2}
    assert run.suppressed.take(["a", "b"]) == {}


def test_a_row_that_ends_at_a_hit_counts_whatever_its_likeliest_token_is() -> None:
    run = Steps(Suppressed(), ["a", "b", "c"])
    for hits in ([1], [0, 1]):
        logits = torch.cat([LOGITS, LOGITS[:1]])
        made = edits([(0, 1), (1, 2)])
        run.suppressed.before(logits, made)
        logits[0, 1] = logits[1, 2] = -torch.inf
        logits[hits] = -torch.inf
        run.suppressed.after(logits, hits)
        for row in run.rows:
            row.output.append(3)  # type: ignore[attr-defined]
    assert run.suppressed.take(["a", "b", "c"]) == {"a": 2, "b": 2, "c": 0}


def test_the_last_step_counts_when_the_row_has_gone() -> None:
    run = Steps(Suppressed(), ["a"])
    run.step(LOGITS[:1], edits([(0, 1)]), [3])
    run.suppressed.arrange({})
    assert run.suppressed.take(["a"]) == {"a": 1}


def test_sequences_of_one_name_add_up_and_a_taken_name_is_forgotten() -> None:
    run = Steps(Suppressed(), ["a", "a"])
    for _ in range(3):
        run.step(LOGITS, edits([(0, 1), (1, 0)]), [3, 3])
    assert run.suppressed.take(["a", "a"]) == {"a": 6}
    run.step(LOGITS, edits([(0, 1), (1, 0)]), [3, 3])  # aborted, but the engine takes one more step
    assert run.suppressed.take(["a"]) == {}


def test_of_counts_that_nobody_fetches_the_oldest_are_dropped() -> None:
    suppressed = Suppressed(capacity=2)
    for name in "abca":
        suppressed.begin(name)
    assert suppressed.take("abc") == {"a": 0, "c": 0}


def test_many_steps_are_counted_though_nobody_asks() -> None:
    run = Steps(Suppressed(), ["a"], torch.float64)
    for _ in range(2100):
        run.step(LOGITS[:1], edits([(0, 1)]), [3])
    assert len(run.suppressed._steps) < 1000
    assert run.suppressed.take(["a"]) == {"a": 2100}


def test_a_count_goes_with_its_request_and_outlasts_preemption(
    processor: V1LogitsProcessor, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    digest = stored(tmp_path, Phrase("tea"))
    banned = min(ids_completing(tokenizer, "", "tea"))
    wanted = torch.zeros(2, WIDTH)
    wanted[:, banned] = 1.0
    guard = params([digest], name="gd-1")
    prompt = tokenizer.encode("<|bos|>", add_special_tokens=False)
    outputs: list[list[int]] = [[], []]

    def step() -> None:
        processor.apply(wanted.clone())
        for output in outputs:
            output.append(17)

    unnamed = params([digest])
    processor.update_state(update(2, added=[(0, guard, prompt, outputs[0]), (1, unnamed, prompt, outputs[1])]))
    step()
    processor.update_state(update(2, moved=[(0, 1, MoveDirectionality.SWAP)]))
    step()
    processor.update_state(update(1, removed=[1]))  # preempted
    processor.apply(wanted[:1].clone())
    outputs[0] = list(outputs[0])
    processor.update_state(update(2, added=[(1, guard, prompt, outputs[0])]))
    processor.apply(wanted.clone())  # reads again what it had said
    step()
    worker = GuardWorkerExtension()
    worker.model_runner = SimpleNamespace(device="cpu", input_batch=SimpleNamespace(logitsprocs=SimpleNamespace(all=[processor])))
    assert worker.guard_suppressed(["gd-1", "gd-2"]) == {"gd-1": 3}
    assert worker.guard_suppressed(["gd-1"]) == {}


def test_a_request_that_nothing_holds_for_has_suppressed_nothing(processor: V1LogitsProcessor) -> None:
    processor.update_state(update(1, added=[(0, params([], name="gd-1"), [3], [])]))
    processor.apply(torch.zeros(1, WIDTH))
    assert processor.requests.suppressed.take(["gd-1"]) == {"gd-1": 0}
