"""The weights of a head: how they are trained, and what the network says of a vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.meaning.encoder import Vectors

HIDDEN = 128
"""Units of the hidden layer."""

# Passes over the vectors, and the fewest steps of one pass.
_PASSES = 30
_LEAST_STEPS = 10
_BATCH = 512
_RATE = 2e-3
_DECAY = 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """A network with one hidden layer of rectified units: hidden [dimension, units], hidden_bias [units], out [units],
    out_bias [1], all float32."""

    hidden: Vectors
    hidden_bias: Vectors
    out: Vectors
    out_bias: Vectors

    def probabilities(self, vectors: Vectors) -> Vectors:
        """Return the probability that each text is about a target.

        Args:
            vectors: float32 [n, dimension], rows of length one, or of zeros for a text in which the encoder found nothing.

        Returns:
            float32 [n]; 0 for a row of zeros.
        """
        scaled = vectors * np.float32(vectors.shape[1] ** 0.5)
        logits = np.maximum(scaled @ self.hidden + self.hidden_bias, 0) @ self.out + self.out_bias
        result: Vectors = np.where(vectors.any(axis=1), 1 / (1 + np.exp(-np.clip(logits, -80, 80))), 0).astype(np.float32)
        return result


def train(positives: Vectors, negatives: Vectors, seed: int) -> HeadWeights:
    """Return weights that separate `positives` from `negatives`, both float32 [n, dimension] with n > 0.

    AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) minimises the logistic loss, in which both kinds have the same total
    weight. The same arguments give the same weights on the same machine.
    """
    import torch

    random = torch.Generator().manual_seed(seed)
    dimension = positives.shape[1]
    # He initialisation (arXiv 1502.01852).
    hidden = torch.randn(dimension, HIDDEN, generator=random) * (2 / dimension) ** 0.5
    out = torch.randn(HIDDEN, generator=random) * (1 / HIDDEN) ** 0.5
    parameters = [hidden, torch.zeros(HIDDEN), out, torch.zeros(1)]
    for parameter in parameters:
        parameter.requires_grad_()
    inputs = torch.from_numpy(np.concatenate([positives, negatives])) * dimension**0.5
    wanted = torch.cat([torch.ones(len(positives)), torch.zeros(len(negatives))])
    importance = torch.cat([torch.full((len(kind),), 1 / len(kind)) for kind in (positives, negatives)]) * len(inputs) / 2
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=_DECAY)
    repeated = -(-_LEAST_STEPS // -(-len(inputs) // _BATCH))
    # One thread: the products are too small to be divided among threads, which on a busy machine wait for each other. It also
    # fixes the order of the sums.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(_PASSES * repeated):
            for rows in torch.randperm(len(inputs), generator=random).split(_BATCH):
                logits = torch.relu(inputs[rows] @ parameters[0] + parameters[1]) @ parameters[2] + parameters[3]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted[rows], importance[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    finally:
        torch.set_num_threads(threads)
    arrays = [parameter.detach().numpy().astype(np.float32) for parameter in parameters]
    return HeadWeights(arrays[0], arrays[1], arrays[2], arrays[3])
