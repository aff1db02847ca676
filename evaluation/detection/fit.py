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
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from classifiers.meaning.encoder import SentenceEncoder, Vectors
from classifiers.multilingual.classifier import Multilingual
from classifiers.multilingual.encoder import default_cache, open_multilingual
from classifiers.multilingual.features import features as second_features
from classifiers.multilingual.language import is_foreign
from classifiers.multilingual.second import NAMES as SECOND_NAMES
from classifiers.multilingual.second import joined
from classifiers.naming.alias import AliasClassifier
from classifiers.naming.distinctive import distinctive
from classifiers.naming.search import Doubt
from classifiers.profile.classifier import ProfileClassifier
from classifiers.profile.features import NAMES, features
from classifiers.profile.weights import Weights
from evaluation.detection.few import NUMBERS, Subject, load_all
from evaluation.results import add_small, results_folder
from guard.folding import fold
from guard.forms.judgement import looks_like_name

PACKAGED = Path(__file__).parents[2] / "classifiers" / "data"
# How much a prompt of each kind counts. An operator hears of a neighbour that is refused; the background has many prompts.
_WEIGHTS = {"about": 1.0, "neighbour": 3.0, "made": 0.5, "other": 1.0, "background": 0.3}
_OTHERS, _BACKGROUND_STEP = 60, 8
# The strength of the penalty on large weights, as scikit-learn has it: smaller is stronger.
_C = 0.5


def under_one_surname(name: str, others: Iterable[Subject]) -> Iterator[str]:
    """Yield prompts about others of whom they say the surname alone, with the surname of `name` in its place.

    Many people bear such a name: that a prompt speaks of one of them must not be enough. Nothing if the surname tells a person.
    """
    surname = name.split()[-1]
    if dict(distinctive(name)).get(fold(surname).strip()) != "part":
        return
    for other in others:
        *given, last = other.name.split()
        for text in other.named if given and looks_like_name(other.name) else ():
            if re.search(rf"(?<!\w){re.escape(last)}(?!\w)", text) and not any(word in text for word in given):
                yield text.replace(last, surname)


def prompts_of(
    subject: Subject, target: ForgetTarget, others: Sequence[str], similar: Sequence[str], namesakes: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each prompt with which the weights for a target are fitted."""
    yield from (("about", text) for text in (*subject.named, *subject.described))
    yield from (("neighbour", text) for text in subject.neighbours)
    yield from (("made", text) for text in negatives(target, similar))
    yield from (("other", text) for text in (*others, *namesakes))
    yield from (("background", text) for text in shipped_background()[::_BACKGROUND_STEP])


NONE = Weights(np.zeros(0, np.float32), 0.0, 0.0, 0.0)
"""No weights yet: where only features are asked for."""


@dataclass(frozen=True)
class Row:
    """A prompt and a target: the kind and the text of the prompt, the evidence of a name in doubt ("" for none), and the features
    that the profile (float32 [first]) and the second opinion (float32 [first + second]) weigh."""

    target_id: str
    kind: str
    text: str
    hint: str
    first: Vectors
    both: Vectors


def rows(subjects: Sequence[Subject], encoder: Encoder, second: Multilingual, numbers: Sequence[int] = NUMBERS) -> list[Row]:
    """Return a row for each prompt and target; none for a prompt that names the target for certain.

    Args:
        subjects: The targets.
        encoder: Best one that encodes no text twice.
        second: The same, of the second encoder.
        numbers: The numbers of examples with which each target is taken in turn.
    """
    background = Background(shipped_background(), encoder)
    profiles = ProfileClassifier(encoder, NONE)
    rng = random.Random(0)  # noqa: S311
    found: list[Row] = []
    for subject in tqdm(subjects, desc="targets", file=sys.stderr):
        texts = [text for one in subjects if one is not subject for text in (*one.named, *one.described, *one.neighbours)]
        others = rng.sample(texts, min(_OTHERS, len(texts)))
        namesakes = list(under_one_surname(subject.name, (one for one in subjects if one is not subject)))
        for number in numbers:
            target = subject.target(number)
            alias = AliasClassifier([target])
            similar = similar_others(target, encoder, profiles.others)
            asked = list(prompts_of(subject, target, others, similar, namesakes))
            screened = [Screened.of(text) for _, text in asked]
            named = alias.classify(screened)
            kept = [at for at, one in enumerate(screened) if one.windows and not any(match.certain for match in named[at])]
            # The longest window is the whole prompt, unless that is long.
            windows = [max(screened[at].windows, key=len) for at in kept]
            vectors = encoder.encode(windows)
            read = profiles.windows(windows, vectors, background.nearest(vectors))
            reach = second.reach(windows)
            known, (profile, own) = profiles.known(target), second.known.of(target)
            for at, window, far in zip(kept, read, reach, strict=True):
                hint = named[at][0].evidence if named[at] else ""
                first = features(window, *known, Doubt.of(hint))
                both = joined(first, second_features(far, profile, own, False))
                found.append(Row(subject.id, *asked[at], hint, first, both))
    return found


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
    second = Multilingual(open_multilingual(), shipped_background(), default_cache())
    encoder = CachedEncoder(SentenceEncoder(), 1 << 18)
    found = rows(subjects, encoder, second, NUMBERS[:1] if options.small else NUMBERS)
    kinds = [row.kind for row in found]
    write("profile", fitted([row.first for row in found], kinds), options.small)
    # The second opinion is asked for English prompts only.
    english = [row for row in found if not is_foreign(row.text)]
    write("second", fitted([row.both for row in english], [row.kind for row in english], SECOND_NAMES), options.small)


def write(name: str, fitted: tuple[dict[str, float], float], small: bool) -> None:
    """Write weights and an intercept, with the limits that are there."""
    weights, intercept = fitted
    packaged = PACKAGED / f"{name}.json"
    known = json.loads(packaged.read_text("utf-8"))
    content = {"limit": known["limit"], "doubtful_limit": known["doubtful_limit"], "intercept": intercept, "weights": weights}
    path = results_folder(True) / packaged.name if small else packaged
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
