"""The head: a small network on the embedding that says whether a text is about any target.

GUARD's prompt classifier (Deng et al. 2025, arXiv 2505.13312) is a multi-layer perceptron on an embedding of the prompt. Here it
has one hidden layer of 128 rectified units between the sentence encoder's vector (384 numbers for the default encoder) and one
logit: 49,409 parameters, trained in seconds on a processor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import Self

import numpy as np

from classifiers.calibration.paraphrases import paraphrases
from classifiers.head.weights import HeadError, HeadWeights
from classifiers.meaning.background import prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.index import ExampleIndex
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

NAME = "head"
HIDDEN = 128
THRESHOLD = 0.5

# Texts to learn from: so many paraphrases of an example and of a background prompt, and so many vectors of a kind in all
# (30 MB at 384 dimensions); beyond, each target has its share.
_PARAPHRASES = 4
_INNOCENT_PARAPHRASES = 2
_MOST = 20_000
# Passes over the vectors, from nothing and from earlier weights; a pass has so many steps at least.
_PASSES = 30
_FURTHER_PASSES = 10
_LEAST_STEPS = 10
_BATCH = 512
_RATE = 2e-3
_DECAY = 1e-2


class HeadClassifier:
    """Says that a window is about some target where the head's probability reaches a threshold, and about which by the nearest
    example.

    Positives are the examples and paraphrases of them; negatives are the background, paraphrases of it, and pairs of background
    prompts one behind the other, since windows hold several sentences. The score is the probability, the evidence
    "head:<probability>-<cosine of the nearest example>". Targets without examples are not represented.

    Deterministic: the same arguments give the same head on the same machine. Immutable: `extended` makes another one.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str],
        encoder: Encoder,
        weights: HeadWeights | None = None,
        threshold: float = THRESHOLD,
        seed: int = 0,
    ) -> None:
        """Train a head, or take `weights`, which then must be those of the same examples and encoder.

        Raises ValueError if two targets have the same id or there are examples but no background (nothing tells them apart
        then), HeadError for weights of something else, and what the encoder raises.
        """
        check_ids(targets)
        self._targets = tuple(targets)
        self._encoder = encoder
        self._seed = seed
        self.threshold = threshold
        self._background = tuple(dict.fromkeys(background))
        self._positives = self._negatives = np.zeros((0, encoder.dimension), np.float32)
        self.weights: HeadWeights | None = None
        """The trained head; None without examples."""
        self._examples = ExampleIndex(self._positives)
        self._target_of = np.zeros(0, np.int64)
        self._index_examples(targets)
        if not self._target_of.size:
            return
        content = _content(targets)
        if weights is None:
            self._encode_material()
            weights = _train(self._positives, self._negatives, encoder.fingerprint, content, seed, _PASSES)
        elif (weights.encoder, weights.content) != (encoder.fingerprint, content):
            raise HeadError("the head was trained with another encoder or for other examples")
        self.weights = weights

    def extended(self, targets: Sequence[ForgetTarget]) -> Self:
        """Return a classifier that knows `targets` too: their texts are encoded, and training goes on from these weights with
        old and new vectors. This one stays as it is. Raises what the constructor raises."""
        together = [*self._targets, *targets]
        check_ids(together)
        kept = {prompt_key(prompt) for prompt in self._background}
        if self.weights is None or any(prompt_key(example.prompt) in kept for target in targets for example in target.examples):
            # Nothing to go on from, or from something that was learned to be innocent.
            return type(self)(together, self._background, self._encoder, None, self.threshold, self._seed)
        if not len(self._negatives):  # the weights came from a file
            self._encode_material()
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._targets = tuple(together)
        copy._index_examples(targets)
        new = self._encoder.encode(_positive_texts(targets))
        if len(new):
            copy._positives = _at_most(np.concatenate([self._positives, new]))
            start, newest = self.weights, min(len(new), _MOST)
            content = _content(together)
            copy.weights = _train(
                copy._positives, copy._negatives, start.encoder, content, self._seed, _FURTHER_PASSES, start, newest
            )
        return copy

    def _index_examples(self, targets: Sequence[ForgetTarget]) -> None:
        """Add the examples of `targets`, the last of `_targets`."""
        first = len(self._targets) - len(targets)
        pieces = [
            (number, window)
            for number, target in enumerate(targets, first)
            for example in target.examples
            for window in passages(example.prompt)
        ]
        if pieces:
            self._examples = self._examples.extended(self._encoder.encode([window for _, window in pieces]))
            self._target_of = np.concatenate([self._target_of, np.array([number for number, _ in pieces], np.int64)])

    def _encode_material(self) -> None:
        forgotten = {prompt_key(example.prompt) for target in self._targets for example in target.examples}
        innocent = [prompt for prompt in self._background if prompt_key(prompt) not in forgotten]
        if not innocent:
            raise ValueError("a head needs a background")
        self._positives = self._encoder.encode(_positive_texts(self._targets))
        self._negatives = self._encoder.encode(_negative_texts(innocent, self._seed))

    def probabilities(self, texts: Sequence[Screened]) -> Vectors:
        """Return the probability that each text is about a target, by its best window: float32 [texts]; 0 without a window."""
        result = np.zeros(len(texts), np.float32)
        if self.weights is not None:
            numbers, vectors = self._read(texts)
            np.maximum.at(result, numbers, self.weights.probabilities(vectors))
        return result

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the matches of each text."""
        result: list[list[Match]] = [[] for _ in texts]
        if self.weights is None:
            return result
        numbers, vectors = self._read(texts)
        probabilities = self.weights.probabilities(vectors)
        found = np.flatnonzero(probabilities >= self.threshold)
        if len(found):
            cosines, columns = self._examples.best(vectors[found])
            for row, cosine, column in zip(found.tolist(), cosines.tolist(), columns.tolist(), strict=True):
                probability = float(probabilities[row])
                target_id = self._targets[self._target_of[column]].id
                match = Match(target_id, min(1.0, probability), f"head:{probability:.2f}-{cosine:.2f}", NAME)
                result[numbers[row]].append(match)
        return [best_matches(matches) for matches in result]

    def _read(self, texts: Sequence[Screened]) -> tuple[list[int], Vectors]:
        numbers = [number for number, screened in enumerate(texts) for _ in screened.windows]
        return numbers, self._encoder.encode([window for screened in texts for window in screened.windows])


def _train(
    positives: Vectors,
    negatives: Vectors,
    encoder: str,
    content: str,
    seed: int,
    passes: int,
    start: HeadWeights | None = None,
    newest: int = 0,
) -> HeadWeights:
    """Return weights that tell `positives` from `negatives`, both float32 [n, dimension]; both kinds weigh the same in all.

    AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on the logistic loss. From `start`, if given; then the last `newest`
    positives, which it has not seen, weigh at least a tenth of all.
    """
    import torch

    random = torch.Generator().manual_seed(seed)
    dimension = positives.shape[1]
    if start is None:
        # He initialisation (arXiv 1502.01852).
        hidden = torch.randn(dimension, HIDDEN, generator=random) * (2 / dimension) ** 0.5
        out = torch.randn(HIDDEN, generator=random) * (1 / HIDDEN) ** 0.5
        parameters = [hidden, torch.zeros(HIDDEN), out, torch.zeros(1)]
    else:
        parameters = [torch.from_numpy(array.copy()) for array in (start.hidden, start.hidden_bias, start.out, start.out_bias)]
    for parameter in parameters:
        parameter.requires_grad_()
    inputs = torch.from_numpy(np.concatenate([positives, negatives])) * dimension**0.5
    wanted = torch.cat([torch.ones(len(positives)), torch.zeros(len(negatives))])
    importance = torch.ones(len(positives))
    if newest:
        importance[-newest:] = max(1.0, len(positives) / (10 * newest))
    importance = torch.cat([importance / importance.sum(), torch.full((len(negatives),), 1 / len(negatives))]) * len(inputs) / 2
    optimizer = torch.optim.AdamW(parameters, lr=_RATE if start is None else _RATE / 4, weight_decay=_DECAY)
    repeated = -(-_LEAST_STEPS // -(-len(inputs) // _BATCH))
    # One thread: the products are too small to be shared out, and on a busy machine threads that wait for each other cost
    # far more than they save. The sums are then added in one order too.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(passes * repeated):
            for rows in torch.randperm(len(inputs), generator=random).split(_BATCH):
                logits = torch.relu(inputs[rows] @ parameters[0] + parameters[1]) @ parameters[2] + parameters[3]
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted[rows], importance[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    finally:
        torch.set_num_threads(threads)
    arrays = [parameter.detach().numpy().astype(np.float32) for parameter in parameters]
    return HeadWeights(arrays[0], arrays[1], arrays[2], arrays[3], encoder, content)


def _positive_texts(targets: Sequence[ForgetTarget]) -> list[str]:
    """Return passages of the examples and of paraphrases of them, every target's first texts first, at most `_MOST`."""
    lists = []
    for target in targets:
        prompts = [example.prompt for example in target.examples]
        made = [paraphrases(prompt, target.name)[:_PARAPHRASES] for prompt in prompts]
        lists.append([*prompts, *(text for turn in zip_longest(*made) for text in turn if text is not None)])
    turns = (text for turn in zip_longest(*lists) for text in turn if text is not None)
    return [window for text in turns for window in passages(text)][:_MOST]


def _negative_texts(prompts: Sequence[str], seed: int) -> list[str]:
    """Return passages of the background, of paraphrases of it, and of pairs of prompts, at most `_MOST`."""
    order = np.random.default_rng(seed).permutation(len(prompts)).tolist()
    pairs = [f"{prompts[one]} {prompts[other]}" for one, other in zip(order, [*order[1:], *order[:1]], strict=True)]
    made = chain.from_iterable(paraphrases(prompt)[:_INNOCENT_PARAPHRASES] for prompt in prompts)
    return [window for text in chain(prompts, pairs, made) for window in passages(text)][:_MOST]


def _at_most(vectors: Vectors) -> Vectors:
    """Return `vectors`, thinned out evenly to `_MOST` rows, the last ones kept."""
    return vectors[-1 - np.arange(_MOST)[::-1] * len(vectors) // _MOST] if len(vectors) > _MOST else vectors


def _content(targets: Iterable[ForgetTarget]) -> str:
    """Return what names the examples: the head of other examples would pass over new ones in silence."""
    lines = sorted(f"{target.id} {prompt_key(example.prompt)}" for target in targets for example in target.examples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
