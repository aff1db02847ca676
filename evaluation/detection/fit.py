"""Fit the weights of profiles: `python -m evaluation.detection.fit`.

Logistic regression (scikit-learn) on the development targets of few, each with one, two, three and five examples. Positive are
prompts about the target in which its name does not decide already; negative are its neighbours, the negatives that calibration
makes of it, prompts about the others, and the shipped background. It writes classifiers/data/profile.json, with the limits that
are there; `--small` fits on a few targets and writes build/small/profile.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from classifiers import CachedEncoder, Encoder, ForgetTarget, Screened
from classifiers.calibration.negatives import negatives, similar_others
from classifiers.meaning.background import Background, shipped_background
from classifiers.meaning.encoder import SentenceEncoder
from classifiers.naming.alias import AliasClassifier
from classifiers.profile.classifier import ProfileClassifier
from classifiers.profile.features import NAMES, Window, features
from evaluation.detection.few import NUMBERS, Subject, load_all
from evaluation.results import add_small, results_folder

PACKAGED = Path(__file__).parents[2] / "classifiers" / "data" / "profile.json"
# How much a prompt of each kind counts. An operator hears of a neighbour that is refused; the background has many prompts.
_WEIGHTS = {"about": 1.0, "neighbour": 3.0, "made": 0.5, "other": 1.0, "background": 0.3}
_OTHERS, _BACKGROUND_STEP = 60, 8
# The strength of the penalty on large weights, as scikit-learn has it: smaller is stronger.
_C = 0.5


def prompts_of(
    subject: Subject, target: ForgetTarget, others: Sequence[str], similar: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each prompt with which the weights for a target are fitted."""
    yield from (("about", text) for text in (*subject.named, *subject.described))
    yield from (("neighbour", text) for text in subject.neighbours)
    yield from (("made", text) for text in negatives(target, similar))
    yield from (("other", text) for text in others)
    yield from (("background", text) for text in shipped_background()[::_BACKGROUND_STEP])


def rows(subjects: Sequence[Subject], encoder: Encoder, numbers: Sequence[int] = NUMBERS) -> tuple[list[Any], list[str]]:
    """Return the features of each prompt and target, float32 [features], and the kinds of the prompts."""
    background = Background(shipped_background(), encoder)
    profiles = ProfileClassifier(encoder)
    rng = random.Random(0)  # noqa: S311
    found: list[Any] = []
    kinds: list[str] = []
    for subject in tqdm(subjects, desc="targets", file=sys.stderr):
        texts = [text for one in subjects if one is not subject for text in (*one.named, *one.described, *one.neighbours)]
        others = rng.sample(texts, min(_OTHERS, len(texts)))
        for number in numbers:
            target = subject.target(number)
            alias = AliasClassifier([target])
            profile, vectors = profiles.known(target)
            for kind, text in prompts_of(subject, target, others, similar_others(target, encoder, profiles.others)):
                screened = Screened.of(text)
                matches = alias.classify([screened])[0]
                if any(match.certain for match in matches) or not screened.windows:
                    continue
                # The longest window is the whole prompt, unless that is long.
                window = max(screened.windows, key=len)
                read = _window(window, encoder, background, profiles)
                found.append(features(read, profile, vectors, bool(matches)))
                kinds.append(kind)
    return found, kinds


def _window(text: str, encoder: Encoder, background: Background, profiles: ProfileClassifier) -> Window:
    vectors = encoder.encode([text])
    return profiles.windows([text], vectors, background.nearest(vectors))[0]


def fitted(
    found: Sequence[Any], kinds: Sequence[str], names: Sequence[str] = NAMES, counts: Mapping[str, float] = _WEIGHTS
) -> tuple[dict[str, float], float]:
    """Return the weight of each feature, and the intercept.

    Args:
        found: float32 [features] of each prompt and target.
        kinds: The kind of each; "about" is positive.
        names: The names of the features.
        counts: How much a prompt of each kind counts.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_C, max_iter=3000))
    about = [kind == "about" for kind in kinds]
    model.fit(np.stack(found), about, logisticregression__sample_weight=[counts[kind] for kind in kinds])
    scaler, regression = model[0], model[1]
    values = regression.coef_[0] / scaler.scale_
    intercept = float(regression.intercept_[0] - (values * scaler.mean_).sum())
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}, round(intercept, 4)


def main() -> None:
    """Fit, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.detection.fit", description=__doc__)
    add_small(parser)
    options = parser.parse_args()
    subjects = [subject for of_kind in load_all("dev").values() for subject in (of_kind[:1] if options.small else of_kind)]
    encoder = CachedEncoder(SentenceEncoder(), 1 << 18)
    weights, intercept = fitted(*rows(subjects, encoder, NUMBERS[:1] if options.small else NUMBERS))
    known = json.loads(PACKAGED.read_text("utf-8"))
    found = {"limit": known["limit"], "doubtful_limit": known["doubtful_limit"], "intercept": intercept, "weights": weights}
    path = results_folder(True) / "profile.json" if options.small else PACKAGED
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
