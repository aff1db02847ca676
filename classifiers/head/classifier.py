"""The head: a small network on the embedding of a text that says whether the text is about any target.

GUARD's prompt classifier (Deng et al. 2025, arXiv 2505.13312) is a multi-layer perceptron on an embedding of the prompt. This one
has one hidden layer of 128 rectified units between the sentence encoder's vector (384 numbers for the default encoder) and one
logit: 49,409 parameters, trained in seconds on a CPU. It exists for comparison; the server does not use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

import numpy as np

from classifiers.calibration.paraphrases import paraphrases
from classifiers.head.weights import HeadWeights, train
from classifiers.meaning.background import prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.index import ExampleIndex
from classifiers.protocol import Match, Screened, best_matches
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget, check_ids

NAME = "head"
THRESHOLD = 0.5

# Paraphrases of each example and of each background prompt, and the most texts of either kind in all (30 MB of vectors at 384
# dimensions).
_PARAPHRASES = 4
_INNOCENT_PARAPHRASES = 2
_MOST = 20_000


class HeadClassifier:
    """Decides by the head whether a window is about a target, and by the nearest example about which.

    It is trained with the examples and their paraphrases as positives, and with the background, its paraphrases and pairs of its
    prompts in one text (since windows hold several sentences) as negatives. A match's score is the probability, its evidence
    "head:<probability>-<cosine of the nearest example>". Targets without examples are never found.

    Deterministic: the same arguments give the same head on the same machine. Immutable.
    """

    def __init__(
        self,
        targets: Sequence[ForgetTarget],
        background: Sequence[str],
        encoder: Encoder,
        threshold: float = THRESHOLD,
        seed: int = 0,
    ) -> None:
        """Train a head.

        Args:
            targets: The forget targets, each with an id of its own.
            background: Innocent prompts; one that repeats an example is left out.
            encoder: Encodes examples and texts.
            threshold: The probability from which on a window is about a target.
            seed: Seeds the initial weights and the order of the texts.

        Raises:
            ValueError: Two targets have the same id, or there are examples but no background to tell them from.
            EncoderError: The encoder fails; other encoders may raise other exceptions.
        """
        check_ids(targets)
        self._targets = tuple(targets)
        self._encoder = encoder
        self.threshold = threshold
        self.weights: HeadWeights | None = None
        """The trained head; None without examples."""
        pieces = [
            (number, window)
            for number, target in enumerate(targets)
            for example in target.examples
            for window in passages(example.prompt)
        ]
        if not pieces:
            return
        self._examples = ExampleIndex(encoder.encode([window for _, window in pieces]))
        self._target_of = np.array([number for number, _ in pieces], np.int64)
        forgotten = {prompt_key(example.prompt) for target in targets for example in target.examples}
        innocent = [prompt for prompt in dict.fromkeys(background) if prompt_key(prompt) not in forgotten]
        if not innocent:
            raise ValueError("a head needs a background of innocent prompts that are not examples")
        self.weights = train(encoder.encode(_positive_texts(targets)), encoder.encode(_negative_texts(innocent, seed)), seed)

    def probabilities(self, texts: Sequence[Screened]) -> Vectors:
        """Return the highest probability of a window of each text: float32 [texts]; 0 without a window."""
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


def _positive_texts(targets: Sequence[ForgetTarget]) -> list[str]:
    """Return passages of the examples and of their paraphrases, at most `_MOST`, in turns so that each target has its share."""
    lists = []
    for target in targets:
        prompts = [example.prompt for example in target.examples]
        made = [paraphrases(prompt, target.name)[:_PARAPHRASES] for prompt in prompts]
        lists.append([*prompts, *(text for turn in zip_longest(*made) for text in turn if text is not None)])
    turns = (text for turn in zip_longest(*lists) for text in turn if text is not None)
    return [window for text in turns for window in passages(text)][:_MOST]


def _negative_texts(prompts: Sequence[str], seed: int) -> list[str]:
    """Return passages of the background, of pairs of its prompts and of their paraphrases, at most `_MOST`."""
    order = np.random.default_rng(seed).permutation(len(prompts)).tolist()
    pairs = [f"{prompts[one]} {prompts[other]}" for one, other in zip(order, [*order[1:], *order[:1]], strict=True)]
    made = chain.from_iterable(paraphrases(prompt)[:_INNOCENT_PARAPHRASES] for prompt in prompts)
    return [window for text in chain(prompts, pairs, made) for window in passages(text)][:_MOST]
