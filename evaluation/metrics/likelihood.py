"""How likely a model finds an answer: probability and truth ratio (Maini et al. 2024, TOFU, arXiv 2401.06121, section 2.2).

All of it is computed from the log probabilities of an answer's tokens, given the question and the tokens before each.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean_log_probability(tokens: Sequence[float]) -> float:
    """Return the mean of the log probabilities of an answer's tokens, in nats. Raises ValueError without tokens."""
    if not tokens:
        raise ValueError("an answer without tokens has no probability")
    return math.fsum(tokens) / len(tokens)


def probability(tokens: Sequence[float]) -> float:
    """Return P(a|q)^(1/|a|), the geometric mean of the tokens' probabilities, from 0 to 1. Raises ValueError without tokens."""
    return math.exp(mean_log_probability(tokens))


def choice_probability(correct: Sequence[float], wrong: Sequence[Sequence[float]]) -> float:
    """Return the probability of the right answer among several: TOFU's figure for real authors and world facts, from 0 to 1.

    Args:
        correct: Log probabilities of the right answer's tokens.
        wrong: Those of each wrong answer.

    Raises:
        ValueError: An answer has no tokens.
    """
    right = probability(correct)
    every = right + math.fsum(map(probability, wrong))
    return right / every if every else 0.0


def truth_ratio(correct: Sequence[float], wrong: Sequence[Sequence[float]]) -> float:
    """Return how much likelier wrong answers are than the right one: from 0 on, infinite if the right one is impossible.

    The wrong answers count with the geometric mean of their probabilities, as in the authors' program; the paper writes an
    arithmetic one.

    Args:
        correct: Log probabilities of the tokens of the right answer in other words.
        wrong: Those of each wrong answer in the same form.

    Raises:
        ValueError: An answer has no tokens, or there is no wrong one.
    """
    if not wrong:
        raise ValueError("a truth ratio needs a wrong answer")
    exponent = math.fsum(map(mean_log_probability, wrong)) / len(wrong) - mean_log_probability(correct)
    if math.isnan(exponent):  # all of them are impossible: none is likelier
        return 1.0
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def truthfulness(ratios: Sequence[float]) -> float:
    """Return the mean of max(0, 1 - ratio), from 0 to 1: TOFU's truth ratio of what is to be kept. Raises ValueError if empty."""
    if not ratios:
        raise ValueError("no truth ratios")
    return math.fsum(max(0.0, 1 - ratio) for ratio in ratios) / len(ratios)


def indifference(ratios: Sequence[float]) -> float:
    """Return the mean of min(ratio, 1/ratio), from 0 to 1: 1 if right and wrong answers are equally likely.

    TOFU's figure for what is to be forgotten. Raises ValueError if there are no ratios.
    """
    if not ratios:
        raise ValueError("no truth ratios")
    return math.fsum(min(ratio, 1 / ratio) if ratio else 0.0 for ratio in ratios) / len(ratios)
