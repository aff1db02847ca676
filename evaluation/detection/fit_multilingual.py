"""Fit the weights of the multilingual classifier: `python -m evaluation.detection.fit_multilingual`.

Logistic regression on the development targets of few, each with one, two, three and five examples, as `evaluation.detection.fit`
does it, with the prompts in other languages than English. It writes classifiers/data/multilingual.json, with the limits that are
there; `--small` fits on a few targets and writes build/small/multilingual.json.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from tqdm import tqdm

from classifiers import Screened, shipped_background
from classifiers.multilingual.classifier import NAMES, Multilingual
from classifiers.multilingual.encoder import default_cache, open_multilingual
from classifiers.multilingual.heard import Runs, is_heard
from classifiers.multilingual.language import is_foreign
from classifiers.multilingual.said import Said
from classifiers.naming.alias import AliasClassifier
from evaluation.detection.few import NUMBERS, Subject, load_all
from evaluation.detection.fit import NONE, fitted, write
from evaluation.results import add_small

# How much a prompt of each kind counts.
_WEIGHTS = {"about": 1.0, "neighbour": 2.0, "other": 0.5, "background": 0.3}


class Row(NamedTuple):
    """A prompt and a target: the kind of the prompt and the features, float32 [features]."""

    kind: str
    features: Any


def rows(subjects: Sequence[Subject], model: Multilingual, numbers: Sequence[int] = NUMBERS) -> list[Row]:
    """Return the features of each foreign prompt and target, less the prompts that the target's name decides."""
    about = [(text, one) for one in subjects for text in one.about() if is_foreign(text)]
    near = [(text, one) for one in subjects for text in one.foreign.values()]
    innocent = [text for text in shipped_background() if is_foreign(text)]
    texts = [*(text for text, _ in (*about, *near)), *innocent]
    reach = dict(zip(texts, model.reach(texts), strict=True))
    runs, said = {text: Runs(text) for text in texts}, {text: Said(text) for text in texts}
    found = []
    for subject in tqdm(subjects, desc="targets", file=sys.stderr):
        for number in numbers:
            target = subject.target(number)
            alias = AliasClassifier([target])
            kinds = [("about" if one is subject else "other", text) for text, one in about]
            kinds += [("neighbour" if one is subject else "other", text) for text, one in near]
            kinds += [("background", text) for text in innocent]
            named = alias.classify([Screened.of(text) for _, text in kinds])
            for (kind, text), matches in zip(kinds, named, strict=True):
                if not any(match.certain for match in matches):
                    doubtful = bool(matches) or is_heard(target.names, runs[text])
                    [features] = model.features([reach[text]], said[text], target, doubtful)
                    found.append(Row(kind, features))
    return found


def weighed(found: Sequence[Row]) -> tuple[dict[str, float], float]:
    """Return the weights of the features, and the intercept."""
    return fitted([row.features for row in found], [row.kind for row in found], NAMES, _WEIGHTS)


def main() -> None:
    """Fit, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.detection.fit_multilingual", description=__doc__)
    add_small(parser)
    options = parser.parse_args()
    subjects = [subject for of_kind in load_all("dev").values() for subject in (of_kind[:2] if options.small else of_kind)]
    model = Multilingual(open_multilingual(), shipped_background(), default_cache(), model=NONE)
    found = rows(subjects, model, NUMBERS[:1] if options.small else NUMBERS)
    write("multilingual", weighed(found), options.small)


if __name__ == "__main__":
    main()
