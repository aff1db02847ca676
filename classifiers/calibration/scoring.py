"""Scoring: what the calibration of a target needs to know, computed from its texts and from innocent ones."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np

from classifiers.calibration.negatives import negatives, similar_others
from classifiers.calibration.paraphrases import paraphrases
from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.meaning.nearest import Thresholds, conformity
from classifiers.naming.alias import AliasClassifier
from classifiers.naming.search import Doubt
from classifiers.profile.classifier import ProfileClassifier
from classifiers.profile.lexicon import LEAST, MOST_EXAMPLES
from classifiers.profile.words import informative, shared
from classifiers.protocol import Screened
from classifiers.reading.windows import passages
from classifiers.target import ForgetTarget

# Texts encoded at a time. The encoder serves one call after the other, and a request must not wait for all texts of a target.
_BATCH = 32
_PAUSE = 0.001  # seconds
# The information from which on a text identifies somebody. "Where was he born?" has less: it is about anybody.
_IDENTIFYING = 1.0
# Examples that are left out in turn to see whether the others find what they say.
_MOST_LEFT_OUT = 6


@dataclass(frozen=True, slots=True)
class Scores:
    """What the calibration of a group needs of one target.

    `asked`, `paraphrases` and `held_out` are float32 [texts], conformity scores, infinite for a text that names the target.
    """

    asked: Vectors
    paraphrases: Vectors
    held_out: Vectors
    reach: Vectors
    """float32 [background windows]: the best cosine of each background window with an example."""
    negatives: Vectors
    """float32 [negatives]: their conformity scores; none for a target with many examples."""
    described: Vectors
    """float32 [negatives]: their scores by the profile classifier; minus infinity for those that share too little."""
    told: Vectors
    """float32 [texts, 2]: what an example says without the target's name: its conformity score with the other examples, and its
    score by the profile without it."""


class Scorer:
    """Computes the scores of targets. It keeps no text."""

    def __init__(
        self, encoder: Encoder, thresholds: Thresholds, texts_per_target: int, names: bool, profiles: ProfileClassifier | None
    ) -> None:
        """Compute nothing yet.

        Args:
            encoder: Encodes texts, without a cache.
            thresholds: Those of the classifier.
            texts_per_target: The most paraphrases of one target.
            names: Whether a text that names its target counts as found.
            profiles: The profile classifier; None if there is none.
        """
        self._encoder = Patient(encoder)
        self._thresholds = thresholds
        self._texts_per_target = texts_per_target
        self._names = names
        self._profiles = profiles

    def scored(self, target: ForgetTarget, asked: Sequence[str], innocent: Background) -> Scores:
        """Return the scores of a target with examples.

        Args:
            target: The target.
            asked: Prompts about it that people really sent.
            innocent: The background without the examples.
        """
        encoder = self._encoder
        named = AliasClassifier([target])
        alias = named if self._names else None
        known = {prompt_key(example.prompt) for example in target.examples}
        prompts = list({prompt_key(example.prompt): example.prompt for example in target.examples}.values())
        # In passages, as the nearest classifier compares them.
        examples = [Screened(prompt, tuple(passages(prompt))) for prompt in prompts]
        vectors = encoder.encode([window for example in examples for window in example.windows])
        example_of = np.array([number for number, example in enumerate(examples) for _ in example.windows])
        fresh = [text for text in dict.fromkeys(asked) if text.strip() and prompt_key(text) not in known]
        # Each example against the others: pairs of an example with itself do not count.
        others = np.where(example_of[:, None] == example_of[None, :], np.float32(-1), vectors @ vectors.T)
        near, described = self._negatives(target, named, vectors, innocent)
        return Scores(
            self._of_texts(alias, [Screened.of(text) for text in fresh], vectors, innocent),
            self._of_texts(alias, [Screened.of(text) for text in self.texts(target)], vectors, innocent),
            self._of_windows(alias, examples, others.max(axis=1), innocent.nearest(vectors))
            if len(examples) > 1
            else np.zeros(0, np.float32),
            (innocent.vectors @ vectors.T).max(axis=1) if len(innocent) else np.zeros(0, np.float32),
            near,
            described,
            self._told(target, named, innocent),
        )

    def alone(self, target: ForgetTarget, innocent: Background) -> Scores:
        """Return the scores of a target with examples, without those of paraphrases and of the background.

        They are what its own calibration needs (`Calibrator.alone`), and cost about a third of the whole.
        """
        named = AliasClassifier([target])
        vectors = self._encoder.encode([piece for example in target.examples for piece in passages(example.prompt)])
        near, described = self._negatives(target, named, vectors, innocent)
        none = np.zeros(0, np.float32)
        return Scores(none, none, none, none, near, described, self._told(target, named, innocent))

    def texts(self, target: ForgetTarget) -> list[str]:
        """Return the paraphrases with which a target is calibrated; none of them is an example.

        They are in turns, the first of each example, then the second of each, so that all examples have an equal share. A
        paraphrase that no longer says who or what is meant is none.
        """
        known = {prompt_key(example.prompt) for example in target.examples}
        lists = [
            paraphrases(example.prompt, next((name for name in target.names if name in example.prompt), target.name))
            for example in target.examples
            if self._identifies(example.prompt, target)
        ]
        turns = (text for text in chain.from_iterable(zip_longest(*lists)) if text is not None)
        fresh = {prompt_key(text): text for text in turns}
        return [text for key, text in fresh.items() if key not in known][: self._texts_per_target]

    @staticmethod
    def _identifies(text: str, target: ForgetTarget) -> bool:
        """Return whether a text says who or what is meant: by a word of a name, or by enough words that tell something."""
        told = informative([text])
        return sum(told.values()) >= _IDENTIFYING or not informative(target.names).keys().isdisjoint(told)

    def _negatives(
        self, target: ForgetTarget, alias: AliasClassifier, examples: Vectors, innocent: Background
    ) -> tuple[Vectors, Vectors]:
        """Return the scores of the target's negatives by the nearest classifier and by its profile; see `Scores`."""
        if self._profiles is None or len(target.examples) > MOST_EXAMPLES:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        texts = [Screened.of(text) for text in negatives(target, similar_others(target, self._encoder, self._profiles.others))]
        found = alias.classify(texts)
        # One that names the target by chance (a namesake of one word) is no negative.
        kept = [at for at, matches in enumerate(found) if not any(match.certain for match in matches)]
        texts, hints = [texts[at] for at in kept], [found[at][0].evidence if found[at] else "" for at in kept]
        if not texts:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        vectors = self._encoder.encode([window for text in texts for window in text.windows])
        nearest = innocent.nearest(vectors)
        near = self._of_windows(None, texts, (vectors @ examples.T).max(axis=1), nearest)
        ends = np.cumsum([len(text.windows) for text in texts])[:-1]
        described = [
            self._described(target, text.windows, windows, background, hint)
            for text, windows, background, hint in zip(
                texts, np.split(vectors, ends), np.split(nearest, ends), hints, strict=True
            )
        ]
        return near, np.array(described, np.float32)

    def _described(
        self, target: ForgetTarget, texts: Sequence[str], windows: Vectors, background: Vectors, hint: str = ""
    ) -> float:
        """Return the score by the profile; minus infinity if the text shares too few words to be compared, as in service.

        `hint` is the evidence of a name in doubt, if the text holds one.
        """
        assert self._profiles is not None
        read = self._profiles.windows(texts, windows, background)
        known = self._profiles.known(target)[0].known
        some = [one for one in read if hint or shared(one.told, known) >= LEAST]
        return self._profiles.score(some, target, Doubt.of(hint))

    def _told(self, target: ForgetTarget, alias: AliasClassifier, innocent: Background) -> Vectors:
        """Return whether each example's sayings are found by the other examples: float32 [texts, 2]; see `Scores`."""
        rows: list[tuple[float, float]] = []
        if self._profiles is not None and 1 < len(target.examples) <= MOST_EXAMPLES:
            named = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(target.names, key=len, reverse=True)), re.I)
            for at, example in list(enumerate(target.examples))[:_MOST_LEFT_OUT]:
                rest = target.model_copy(update={"examples": [*target.examples[:at], *target.examples[at + 1 :]]})
                vectors = self._encoder.encode([piece for other in rest.examples for piece in passages(other.prompt)])
                for said in (example.prompt, example.completion):
                    text = named.sub("it", said)
                    read = Screened.of(text)
                    if not self._identifies(text, rest) or any(match.certain for match in alias.classify([read])[0]):
                        continue
                    texts = read.windows
                    windows = self._encoder.encode(texts)
                    nearest = innocent.nearest(windows)
                    near = conformity((windows @ vectors.T).max(axis=1), nearest, self._thresholds).max()
                    rows.append((float(near), self._described(rest, texts, windows, nearest)))
        return np.array(rows, np.float32).reshape(-1, 2)

    def _of_texts(
        self, alias: AliasClassifier | None, texts: Sequence[Screened], examples: Vectors, innocent: Background
    ) -> Vectors:
        """Return the conformity score of each text, infinite if `alias` finds the target in it: float32 [texts]."""
        if not texts:
            return np.zeros(0, np.float32)
        vectors = self._encoder.encode([window for text in texts for window in text.windows])
        return self._of_windows(alias, texts, (vectors @ examples.T).max(axis=1), innocent.nearest(vectors))

    def _of_windows(
        self, alias: AliasClassifier | None, texts: Sequence[Screened], cosines: Vectors, nearest: Vectors
    ) -> Vectors:
        """Return the conformity score of each text, given the best cosines of its windows; each text must have a window."""
        text_of = np.array([number for number, text in enumerate(texts) for _ in text.windows])
        scores = np.full(len(texts), -np.inf, np.float32)
        np.maximum.at(scores, text_of, conformity(cosines, nearest, self._thresholds))
        if alias is not None:
            scores[[any(match.certain for match in matches) for matches in alias.classify(texts)]] = np.inf
        return scores


class Patient:
    """An encoder that has another one encode a few texts at a time, so that requests are served in between."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.dimension = encoder.dimension
        self.fingerprint = encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts: float32 [texts, dimension]."""
        # Batches of texts of similar lengths: some encoders pad a batch to the length of its longest text.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        result = np.zeros((len(texts), self.dimension), np.float32)
        for at in range(0, len(order), _BATCH):
            numbers = order[at : at + _BATCH]
            result[numbers] = self._encoder.encode([texts[number] for number in numbers])
            time.sleep(_PAUSE)
        return result
