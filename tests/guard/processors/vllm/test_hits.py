"""Hits in the processor: rows that end where the model would have said what is banned, and all others as they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast
from vllm.sampling_params import StructuredOutputsParams
from vllm.v1.sample.logits_processor import MoveDirectionality
from vllm.v1.sample.logits_processor.builtin import MinTokensLogitsProcessor

from guard.ban import Ban
from guard.decoding.edits import Edits
from guard.decoding.row import Row
from guard.phrase import Phrase
from guard.processors.logits import LogitsEditor
from guard.processors.vllm.hits import Hits
from guard.processors.vllm.v1 import V1LogitsProcessor
from tests.guard.processors.vllm.conftest import DEAD_END, WIDTH, ids_completing, minus_infinity, params, stored, update

DTYPES = [torch.float32, torch.float64]
"""With float32, a CPU's; with another one, tensors are used as on any device."""
ONLY_DEAD_END = set(range(WIDTH)) - {DEAD_END}


@pytest.fixture
def tea(tokenizer: PreTrainedTokenizerFast) -> int:
    """A token that says the phrase "tea"."""
    return min(ids_completing(tokenizer, "", "tea"))


@pytest.fixture
def digest(tmp_path: Path) -> str:
    return stored(tmp_path, Phrase("tea"))


def logits(rows: int, likely: dict[int, float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Logits in which these tokens have these probabilities, and the others the rest."""
    values = torch.full((rows, WIDTH), math.log((1 - sum(likely.values())) / (WIDTH - len(likely))), dtype=dtype)
    for token, share in likely.items():
        values[:, token] = math.log(share)
    return values


def start(processor: V1LogitsProcessor, *rows: Any, outputs: Sequence[list[int]] | None = None) -> list[list[int]]:
    outputs = outputs or [[17] for _ in rows]
    added = [(at, request, [1], output) for at, (request, output) in enumerate(zip(rows, outputs, strict=True))]
    processor.update_state(update(len(rows), added=added))
    return list(outputs)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("share", "hit"), [(0.9, True), (0.35, True), (0.25, False), (0.001, False)])
@pytest.mark.slow
def test_a_row_ends_where_what_is_banned_holds_the_share(
    processor: V1LogitsProcessor, digest: str, tea: int, dtype: torch.dtype, share: float, hit: bool
) -> None:
    start(processor, params([digest], hits=1), params([digest]), params([]))
    given = logits(3, {tea: share, 17: (1 - share) * 0.99}, dtype)
    free = given[2].clone()
    after = processor.apply(given)
    assert (minus_infinity(after, 0) == ONLY_DEAD_END) == hit
    assert after[0].argmax() == (DEAD_END if hit else 17)
    # A row that does not ask for hits goes on with something else, and a free one is left alone.
    assert minus_infinity(after, 1) != ONLY_DEAD_END
    assert after[1].argmax() == 17
    assert torch.equal(after[2], free)


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_a_hit_a_row_is_edited_as_one_that_does_not_ask_for_hits(
    processor: V1LogitsProcessor, tmp_path: Path, digest: str, dtype: torch.dtype
) -> None:
    soft = stored(tmp_path, Phrase("hare", penalty=3.0))
    for asked in ([digest], [digest, soft]):
        start(processor, params(asked, hits=1), params(asked, hits=0), params(asked))
        # The likeliest is never a banned token.
        given = torch.randn(1, WIDTH, dtype=dtype).repeat(3, 1)
        given[:, 17] = 9.0
        after = processor.apply(given)
        assert torch.equal(after[0], after[1])
        assert torch.equal(after[0], after[2])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_penalty_alone_is_no_hit(processor: V1LogitsProcessor, tmp_path: Path, tea: int, dtype: torch.dtype) -> None:
    start(processor, params([stored(tmp_path, Phrase("tea", penalty=3.0))], hits=1))
    after = processor.apply(logits(1, {tea: 0.99}, dtype))
    assert minus_infinity(after, 0) == {DEAD_END}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_row_without_any_token_keeps_its_dead_end(
    processor: V1LogitsProcessor, digest: str, tea: int, dtype: torch.dtype
) -> None:
    choice = StructuredOutputsParams(choice=["x"])
    start(processor, params([digest], hits=1, structured_outputs=choice, stop_token_ids=[DEAD_END]))
    nothing = torch.full((1, WIDTH), -torch.inf, dtype=dtype)
    nothing[0, DEAD_END] = 1.0
    after = processor.apply(nothing)
    assert minus_infinity(after, 0) == ONLY_DEAD_END


def test_a_hit_follows_its_request_as_rows_move_and_come_back(processor: V1LogitsProcessor, digest: str, tea: int) -> None:
    hits, plain = params([digest], hits=1), params([digest])
    outputs = start(processor, hits, plain)

    def ended(size: int) -> list[bool]:
        after = processor.apply(logits(size, {tea: 0.9}))
        return [minus_infinity(after, row) == ONLY_DEAD_END for row in range(size)]

    assert ended(2) == [True, False]
    processor.update_state(update(2, moved=[(0, 1, MoveDirectionality.SWAP)]))
    assert ended(2) == [False, True]
    processor.update_state(update(1, removed=[1]))
    assert ended(1) == [False]
    # Preempted: the row is made anew, with what it has said.
    processor.update_state(update(2, added=[(1, hits, [1], list(outputs[0]))]))
    assert ended(2) == [False, True]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_step_avoids_tokens_and_ends_at_no_hit(
    processor: V1LogitsProcessor, digest: str, tea: int, dtype: torch.dtype
) -> None:
    (output, empty, none) = start(
        processor,
        *(params([digest], hits=1, avoid=[40, 41]), params([digest], hits=1, avoid=[]), params([digest], hits=1)),
        outputs=[[], [], []],
    )
    given = logits(3, {tea: 0.6, 40: 0.3}, dtype)
    after = processor.apply(given.clone())
    assert minus_infinity(after, 0) >= {40, 41, tea}
    assert not {40, 41} & minus_infinity(after, 1)
    assert all(minus_infinity(after, row) != ONLY_DEAD_END for row in (0, 1))
    assert minus_infinity(after, 2) == ONLY_DEAD_END
    for one in (output, empty, none):
        one.append(17)
    after = processor.apply(given.clone())
    assert [minus_infinity(after, row) for row in range(3)] == [ONLY_DEAD_END] * 3
    assert 40 not in minus_infinity(processor.apply(logits(3, {17: 0.9}, dtype)), 0)


def test_a_row_without_restrictions_avoids_tokens(processor: V1LogitsProcessor) -> None:
    (output,) = start(processor, params([], hits=1, avoid=[40]), outputs=[[]])
    assert minus_infinity(processor.apply(torch.zeros(1, WIDTH)), 0) == {40, DEAD_END}
    output.append(3)
    assert minus_infinity(processor.apply(torch.zeros(1, WIDTH)), 0) == {DEAD_END}


def test_an_allowed_name_is_no_hit(processor: V1LogitsProcessor, digest: str, tea: int) -> None:
    start(processor, params([digest], hits=1, allow=["Tea"]), params([digest], hits=1))
    after = processor.apply(logits(2, {tea: 0.9}))
    assert after[0].argmax() == tea
    assert minus_infinity(after, 1) == ONLY_DEAD_END


def test_a_hit_ends_a_row_below_its_least_length(processor: V1LogitsProcessor, digest: str, tea: int) -> None:
    minimum = MinTokensLogitsProcessor(SimpleNamespace(), torch.device("cpu"), False)  # type: ignore[arg-type]
    request = params([digest], hits=1, min_tokens=5, stop_token_ids=[DEAD_END])
    change = update(1, [(0, request, [1], [17])])
    for one in (minimum, processor):
        one.update_state(change)
    assert minus_infinity(processor.apply(minimum.apply(logits(1, {tea: 0.9}))), 0) == ONLY_DEAD_END


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("share", "count"), [(0.9, 1), (0.4, 1), (0.2, 0)])
def test_a_hit_counts_as_one_suppressed_token(
    processor: V1LogitsProcessor, digest: str, tea: int, dtype: torch.dtype, share: float, count: int
) -> None:
    # With 0.4 the likeliest token is not banned.
    outputs = start(processor, params([digest], hits=1, name="gd-1", stop_token_ids=[DEAD_END]))
    for _ in range(2):  # vLLM may take one more step before it knows that the answer has ended
        after = processor.apply(logits(1, {tea: share, 17: 0.99 * (1 - share)}, dtype))
        outputs[0].append(int(after[0].argmax()))
    assert processor.requests.suppressed.take(["gd-1"]) == {"gd-1": count}


def edits(rows: int, banned: Sequence[tuple[int, int]], closed: Sequence[int] = ()) -> Edits:
    found = {row: [Ban(np.array([t for r, t in banned if r == row], np.int64), *_NOTHING)] for row in range(rows)}
    return Edits.collect(found, closed, [])


_NOTHING = np.empty(0, np.int64), np.empty(0, np.float32)


class _Steps:
    """Two rows of three tokens with hits, of which token 0 is the dead end."""

    def __init__(self) -> None:
        self.editor = LogitsEditor(0, torch.device("cpu"))
        self.hits = Hits(self.editor)
        self.hits.arrange({row: Row((), (), [1], hits=True) for row in range(2)})

    def step(self, dtype: torch.dtype, made: Edits) -> list[bool]:
        values = torch.tensor([[-9.0, 0.0, 2.0]] * 2, dtype=dtype)
        self.hits.before(values, made)
        self.editor.apply(values, made)
        self.hits.after(values)
        return [row == [0.0, -math.inf, -math.inf] for row in values.tolist()]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_closed_row_is_not_looked_at(dtype: torch.dtype) -> None:
    steps = _Steps()
    steps.step(dtype, edits(2, [(0, 2), (1, 2)], closed=[0]))
    assert steps.hits._found in ([], [1])
    kept = steps.hits._kept
    assert kept is None or kept[0].tolist() == [1]
