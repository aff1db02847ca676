"""The naive exact way: try the definition of a ban for every token of the vocabulary.

It is right by construction, since it uses `guard.reference`, with which tests compare the fast masks; the derivation of the fast
masks starts here. A step costs tokens of the vocabulary x (folding the text so far + phrases x searching it).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from evaluation.baselines.timing import StepCost, time_steps
from guard.phrase import Phrase
from guard.reference import folded_stream, occurrences
from guard.tokens.vocabulary import Vocabulary


def banned(
    phrases: Sequence[Phrase], vocabulary: Vocabulary, said: Sequence[int], among: Sequence[int] | None = None
) -> set[int]:
    """Return the ids that complete one of `phrases` when appended to the ids `said`; of all ids, or of those in `among`."""
    text = [vocabulary.raw[token] for token in said]
    before = folded_stream(text)
    already = [occurrences(phrase, before) for phrase in phrases]
    found = set()
    for token in range(len(vocabulary)) if among is None else among:
        after = folded_stream([*text, vocabulary.raw[token]])
        if any(occurrences(phrase, after) - known for phrase, known in zip(phrases, already, strict=True)):
            found.add(token)
    return found


def step_cost(
    phrases: Sequence[str],
    vocabulary: Vocabulary,
    *,
    history: int = 64,
    sample: int = 8,
    budget_s: float = 1.0,
    limit_s: float = 5.0,
    seed: int = 0,
) -> StepCost:
    """Time a step of one sequence that has said `history` random tokens.

    If a step would take more than `limit_s` seconds, the cost is that of `sample` random tokens, scaled up to the vocabulary, and
    is marked as estimated.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    compiled = [Phrase(text) for text in phrases]
    spoken = [token for token, raw in enumerate(vocabulary.raw) if raw]
    said = rng.choices(spoken, k=history)
    some = rng.sample(spoken, min(sample, len(spoken)))
    scale = len(vocabulary) / len(some)
    part = time_steps(lambda: banned(compiled, vocabulary, said, some), budget_s=budget_s / 4, limit_s=limit_s)
    estimated = min(part) * scale > limit_s
    if estimated:
        seconds = [scale * each for each in part]
    else:
        seconds = time_steps(lambda: banned(compiled, vocabulary, said), budget_s=budget_s, limit_s=math.inf)
    return StepCost.of(seconds, phrases=len(phrases), width=len(vocabulary), batch=1, setup_s=0.0, estimated=estimated)
