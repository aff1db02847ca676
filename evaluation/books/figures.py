"""MUSE's figures (Shi et al. 2024, arXiv 2407.06460, section 3): what a system still knows and says word for word.

Generation needs no more than an OpenAI-compatible server. PrivLeak, which needs the likelihood of texts, is in
`evaluation.metrics.membership`.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from evaluation.books.muse import Continuation
from evaluation.metrics.overlap import rouge_l
from evaluation.pairs import QAPair


def verbatim(asked: Sequence[Continuation], said: Sequence[str]) -> float:
    """Return VerbMem, from 0 to 1: the mean ROUGE-L (F1) of what a system says after a passage's beginning with how it goes on.

    Raises:
        ValueError: There are no passages, or not as many answers.
    """
    return _mean([one.rest for one in asked], said)


def known(asked: Sequence[QAPair], said: Sequence[str]) -> float:
    """Return KnowMem, from 0 to 1: the mean ROUGE-L (F1) of a system's answers to questions. Errors are those of `verbatim`."""
    return _mean([pair.answer for pair in asked], said)


def _mean(expected: Sequence[str], said: Sequence[str]) -> float:
    if not expected or len(expected) != len(said):
        raise ValueError(f"{len(expected)} texts and {len(said)} answers: there must be as many, and at least one")
    return statistics.fmean(rouge_l(answer, text).f1 for answer, text in zip(said, expected, strict=True))
