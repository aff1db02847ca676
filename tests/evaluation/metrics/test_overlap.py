from __future__ import annotations

import pytest

from evaluation.metrics.overlap import Overlap, rouge_l


def test_the_longest_common_subsequence_counts() -> None:
    # "cat ... on ... mat": three of the four words of the answer, three of the six that were expected.
    found = rouge_l("cat lay on mat", "the cat sat on the mat")
    assert found == Overlap(recall=3 / 6, precision=3 / 4, f1=pytest.approx(2 * 0.5 * 0.75 / 1.25))


def test_case_punctuation_and_endings_do_not_count() -> None:
    assert rouge_l("She WRITES novels!", "she writes novel").recall == 1


def test_nothing_in_common_is_0() -> None:
    assert rouge_l("", "a cat") == rouge_l("dogs bark", "a cat") == Overlap(0, 0, 0)
