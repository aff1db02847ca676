"""The two figures that TOFU's table has for a system: forget quality and model utility (arXiv 2401.06121, section 2.2)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

PARTS = ("retain", "real_authors", "world_facts")
"""What a model is to keep; of each, probability, ROUGE-L recall and truthfulness count."""


def forget_quality(ratios: Sequence[float], retain: Sequence[float]) -> float:
    """Return the p-value of the two-sample Kolmogorov-Smirnov test, from 0 to 1.

    Above 0.05, the truth ratios of what is to be forgotten cannot be told from those of the model that never saw it.

    Args:
        ratios: Truth ratios of the system.
        retain: Truth ratios of the retain model for the same questions.

    Raises:
        ValueError: One of the two is empty.
    """
    from scipy.stats import ks_2samp

    if not ratios or not retain:
        raise ValueError("forget quality needs truth ratios of both models")
    return float(ks_2samp(ratios, retain).pvalue)


def model_utility(figures: Sequence[float]) -> float:
    """Return the harmonic mean of nine figures: three for each of `PARTS`, from 0 to 1. One that is 0 makes all 0.

    Raises:
        ValueError: There are not nine, or one is below 0.
    """
    if len(figures) != 3 * len(PARTS) or min(figures) < 0:
        raise ValueError(f"model utility is of {3 * len(PARTS)} figures, none below 0, not of {list(figures)}")
    return statistics.harmonic_mean(figures)
