"""Rivals: other classifiers, measured side by side with the one that the server serves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers import AliasClassifier, Classifier, Encoder, ForgetTarget, Match, NearestClassifier, Screened, Thresholds
from classifiers.head.classifier import HeadClassifier
from classifiers.protocol import best_matches


class LogisticRegressionClassifier:
    """Logistic regression (scikit-learn) on the vector of a window, with one class per target and one for everything else."""

    def __init__(self, targets: Sequence[ForgetTarget], background: Sequence[str], encoder: Encoder) -> None:
        from sklearn.linear_model import LogisticRegression

        self._encoder = encoder
        self._targets = [target.id for target in targets]
        prompts = [(number, example.prompt) for number, target in enumerate(targets) for example in target.examples]
        vectors = encoder.encode([text for _, text in prompts] + list(background))
        classes = [number for number, _ in prompts] + [-1] * len(background)
        self._model: Any = LogisticRegression(max_iter=1000, class_weight="balanced").fit(vectors, classes)

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        """Return the most probable class of each window, if that is a target."""
        result: list[list[Match]] = [[] for _ in texts]
        pieces = [(number, window) for number, text in enumerate(texts) for window in text.windows]
        if not pieces:
            return result
        chances = self._model.predict_proba(self._encoder.encode([window for _, window in pieces]))
        for (number, _), row in zip(pieces, chances, strict=True):
            best = int(np.argmax(row))
            kind = int(self._model.classes_[best])
            if kind >= 0:
                result[number].append(Match(self._targets[kind], float(row[best]), f"logistic:{row[best]:.2f}", "logistic"))
        return [best_matches(matches) for matches in result]


def rivals(targets: Sequence[ForgetTarget], background: Sequence[str], encoder: Encoder) -> dict[str, Classifier]:
    """Return the rivals by name; `background` is all innocent text that a rival may learn from."""
    return {
        "alias only": AliasClassifier(targets, phrases=False),
        "nearest only": NearestClassifier(targets, background, encoder),
        "head only (GUARD)": HeadClassifier(targets, background, encoder),
        "cosine 0.8 (CURaTE)": NearestClassifier(targets, [], encoder, Thresholds(0.8, 0.0)),
        "logistic regression": LogisticRegressionClassifier(targets, background, encoder),
    }
