"""By hand, with probabilities that are powers of two."""

from __future__ import annotations

import math

import pytest
import torch

from evaluation.finetuned import losses

LOG2 = math.log(2)


def test_ascent_is_the_mean_log_probability_of_a_token() -> None:
    found = losses.ascent(torch.tensor([-3 * LOG2, -LOG2]), torch.tensor([3.0, 1.0]))
    assert float(found) == pytest.approx(-LOG2)


def test_npo_is_flat_for_what_is_far_less_likely_than_before() -> None:
    same = losses.npo(torch.tensor([-4.0]), torch.tensor([-4.0]), beta=0.5)
    assert float(same) == pytest.approx(4 * LOG2)  # 2/beta ln 2
    # One answer twice as likely as before: beta (right - reference) = ln 2, and sigmoid(-ln 2) = 1/3.
    likelier = losses.npo(torch.tensor([-4.0 + LOG2]), torch.tensor([-4.0]), beta=1.0)
    assert float(likelier) == pytest.approx(2 * math.log(3), abs=1e-5)
    gone = torch.tensor([-400.0], requires_grad=True)
    losses.npo(gone, torch.tensor([-4.0]), beta=0.1).backward()
    assert gone.grad is not None
    assert abs(float(gone.grad)) < 1e-10


def test_simnpo_counts_by_length_and_needs_no_reference() -> None:
    short, long = (losses.simnpo(torch.tensor([-LOG2 * n]), torch.tensor([float(n)]), beta=1.0) for n in (1, 5))
    # sigmoid(ln 2) = 2/3.
    assert float(short) == pytest.approx(float(long)) == pytest.approx(-2 * math.log(2 / 3), abs=1e-5)


def test_divergence_of_two_coins() -> None:
    fair, bent = torch.zeros(1, 2), torch.tensor([[math.log(3.0), 0.0]])
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert float(losses.divergence(bent, fair)) == pytest.approx(expected, abs=1e-6)
    assert float(losses.divergence(fair, fair)) == pytest.approx(0, abs=1e-7)
