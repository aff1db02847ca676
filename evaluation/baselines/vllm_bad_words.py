"""vLLM's own ban: the sampling parameter `bad_words` and the sampler's operation behind it, without an engine.

In vLLM 0.32, `SamplingParams.update_from_tokenizer` tokenises each word once as it is and once after a space, but keeps the
second form only where it has as many tokens as the first and another first token. Where " Word" has fewer tokens than "Word",
nothing bans the word inside a sentence. The operation (`vllm/v1/sample/ops/bad_words.py`) compares every sequence with the
output's last ids at every step, row by row; it does not look at the prompt's end.

The limit of 128 counts sequences, not words, so a word may count twice. Model Runner V2 alone knows the limit of 1,024 tokens
(VLLM_MAX_BAD_WORDS_TOTAL_TOKENS); it raises ValueError in the worker.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from evaluation.baselines.timing import StepCost, time_steps

COUNT_LIMIT = "VLLM_MAX_NUM_BAD_WORDS"
"""The environment variable that limits the token sequences of a request; 128 if it is not set."""


def bad_words(tokenizer: Any, words: Sequence[str]) -> list[list[int]]:
    """Return the token sequences that vLLM bans for `words`, as the engine's front end makes them.

    Args:
        tokenizer: one of vLLM's (`vllm.tokenizers.get_tokenizer`).
        words: what to ban.

    Raises:
        vllm.exceptions.VLLMValidationError: the words make more sequences than the limit; the message repeats the words.
    """
    from vllm import SamplingParams

    params = SamplingParams(bad_words=list(words))
    params.update_from_tokenizer(tokenizer)
    return list(params.bad_words_token_ids or [])


def accepted(tokenizer: Any, words: Sequence[str]) -> int:
    """Return how many of `words`, from the first on, vLLM takes in one request under its present limit."""
    from vllm.exceptions import VLLMValidationError

    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        try:
            bad_words(tokenizer, words[:middle])
        except VLLMValidationError:
            high = middle - 1
        else:
            low = middle
    return low


def unguarded_inside_sentences(tokenizer: Any, words: Sequence[str]) -> list[str]:
    """Return those of `words` that vLLM bans at the beginning of an output only, without their form after a space."""
    with raised_limit(2 * len(words)):
        banned = {tuple(ids) for ids in bad_words(tokenizer, words)}
    return [word for word in words if tuple(tokenizer.encode(" " + word, add_special_tokens=False)) not in banned]


@contextmanager
def raised_limit(sequences: int) -> Iterator[None]:
    """Let this process accept `sequences` token sequences by setting the variable, as an operator could. Not for threads."""
    before = os.environ.get(COUNT_LIMIT)
    os.environ[COUNT_LIMIT] = str(max(sequences, 1))
    try:
        yield
    finally:
        if before is None:
            del os.environ[COUNT_LIMIT]
        else:
            os.environ[COUNT_LIMIT] = before


def step_cost(
    tokenizer: Any,
    words: Sequence[str],
    width: int,
    batch: int = 1,
    *,
    history: int = 64,
    budget_s: float = 1.0,
    limit_s: float = 5.0,
) -> StepCost:
    """Time the operation on logits [batch, width] whose rows, all with these `words`, have said `history` random ids.

    Above vLLM's limit, the cost is what an operator gets who raises it.
    """
    from vllm.v1.sample.ops.bad_words import apply_bad_words

    started = time.perf_counter()
    with raised_limit(2 * len(words)):
        sequences = bad_words(tokenizer, words)
    setup_s = time.perf_counter() - started
    rng = random.Random(0)  # noqa: S311 - repeatable, not secret
    logits = torch.randn(batch, width, generator=torch.Generator().manual_seed(0))
    past = [[rng.randrange(width) for _ in range(history)] for _ in range(batch)]
    by_row = dict.fromkeys(range(batch), sequences)
    seconds = time_steps(lambda: apply_bad_words(logits, by_row, past), budget_s=budget_s, limit_s=limit_s)
    return StepCost.of(seconds, phrases=len(words), width=width, batch=batch, setup_s=setup_s)
