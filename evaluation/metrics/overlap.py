"""How much of a text another one repeats: ROUGE-L (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries").

It is computed by the package rouge-score, with its stemmer, as TOFU (arXiv 2401.06121) and MUSE (arXiv 2407.06460) do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Overlap:
    """The longest common subsequence of words, as a share of the expected text, of the answer, and their harmonic mean."""

    recall: float
    precision: float
    f1: float


def rouge_l(answer: str, expected: str) -> Overlap:
    """Return ROUGE-L of an answer. TOFU's figure is the recall; MUSE's VerbMem and KnowMem are the F1.

    Args:
        answer: What the model said.
        expected: What it was to say.
    """
    score = _scorer().score(expected, answer)["rougeL"]
    return Overlap(score.recall, score.precision, score.fmeasure)


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=True)
