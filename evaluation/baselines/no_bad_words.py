"""transformers' own ban, `NoBadWordsLogitsProcessor`: it compares the last ids with every banned sequence at every step."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import torch
from transformers import NoBadWordsLogitsProcessor, PreTrainedTokenizerBase

from evaluation.baselines.timing import StepCost, time_steps


def tokenisations(tokenizer: PreTrainedTokenizerBase, phrases: Iterable[str]) -> list[list[int]]:
    """Return the distinct canonical token sequences of the phrases, each at the beginning of a text and after a space."""
    texts = [form for phrase in phrases for form in (phrase, " " + phrase)]
    if not texts:
        return []
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [list(ids) for ids in dict.fromkeys(tuple(ids) for ids in encoded) if ids]


def processor(tokenizer: PreTrainedTokenizerBase, phrases: Iterable[str]) -> NoBadWordsLogitsProcessor:
    """Return transformers' processor for `phrases`.

    Raises:
        ValueError: there are no phrases.
    """
    return NoBadWordsLogitsProcessor(tokenisations(tokenizer, phrases), eos_token_id=tokenizer.eos_token_id)


def step_cost(
    tokenizer: PreTrainedTokenizerBase,
    phrases: Sequence[str],
    width: int,
    batch: int = 1,
    *,
    history: int = 64,
    budget_s: float = 1.0,
    limit_s: float = 5.0,
) -> StepCost:
    """Time a step on random ids [batch, history] and scores [batch, width], with torch's number of threads.

    Every id of the phrases must be below `width`.
    """
    started = time.perf_counter()
    made = processor(tokenizer, phrases)
    setup_s = time.perf_counter() - started
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, width, (batch, history), generator=generator)
    scores = torch.randn(batch, width, generator=generator)
    seconds = time_steps(lambda: made(ids, scores), budget_s=budget_s, limit_s=limit_s)
    return StepCost.of(seconds, phrases=len(phrases), width=width, batch=batch, setup_s=setup_s)
