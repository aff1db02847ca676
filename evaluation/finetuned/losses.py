"""What unlearning by training minimises: one function for each method that the field compares with.

`right` and `reference` are log probabilities of whole answers (sums over their tokens, in nats), float [answers], of the model in
training and of the model before it; `lengths` are the answers' numbers of tokens. All of it is of what is to be forgotten. What a
method does to keep the rest is in `evaluation.finetuned.unlearning`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

NPO_BETA = 0.1
SIMNPO_BETA, SIMNPO_GAMMA = 2.5, 0.0


def ascent(right: Tensor, lengths: Tensor) -> Tensor:
    """Return the mean log probability of a token: gradient ascent on the answers (Jang et al. 2023, arXiv 2210.01504)."""
    return right.sum() / lengths.sum()


def npo(right: Tensor, reference: Tensor, beta: float = NPO_BETA) -> Tensor:
    """Return the loss of negative preference optimization (Zhang et al. 2024, arXiv 2404.05868, equation 3).

    It bounds what ascent does: an answer that is far less likely than before has hardly any gradient left.
    """
    return -2 / beta * logsigmoid(-beta * (right - reference)).mean()


def simnpo(right: Tensor, lengths: Tensor, beta: float = SIMNPO_BETA, gamma: float = SIMNPO_GAMMA) -> Tensor:
    """Return the loss of SimNPO, which needs no reference and counts by length (Fan et al. 2024, arXiv 2410.07163)."""
    return -2 / beta * logsigmoid(-beta * right / lengths - gamma).mean()


def divergence(logits: Tensor, reference: Tensor) -> Tensor:
    """Return the mean Kullback-Leibler divergence of a model from the one before it, in nats, over the tokens of kept answers.

    TOFU's "KL minimization" (Maini et al. 2024, arXiv 2401.06121, section 3) keeps the rest with it.

    Args:
        logits: float [tokens, vocabulary], of the model in training.
        reference: The same of the model before.
    """
    ours, theirs = torch.log_softmax(logits, -1), torch.log_softmax(reference, -1)
    return (theirs.exp() * (theirs - ours)).sum(-1).mean()
