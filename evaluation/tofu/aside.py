"""What is read off beside TOFU's table: how fluent answers are, and whether a model shows what it was trained on (PrivLeak).

The retain model judges fluency: it writes as the other one does, and never saw the facts. A text that is broken off, repeated or
misspelt is unlikely to it, a right answer and a wrong one are about alike.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tqdm import tqdm

from classifiers.answering import SAY
from evaluation.answers.fluency import Likelihood, written
from evaluation.answers.metrics import fluency_ratio
from evaluation.answers.systems import NONE
from evaluation.data import tofu
from evaluation.likelihood import TokenLikelihood
from evaluation.metrics.membership import auc, min_k, priv_leak
from evaluation.pairs import QAPair
from evaluation.tofu.records import FORGET
from evaluation.tofu.run import RETAIN, Run

FLUENCY, HELD_OUT = "fluency forget", "held out"
"""The parts: of each answer to what is to be forgotten the sum of its log probabilities and the number of its tokens; of each
held-out answer the log probabilities of its tokens."""
_MOST = 200
"""The most held-out questions."""


def held_out(run: Run) -> list[QAPair]:
    """Return questions about TOFU's kept authors that no model here has learned, in TOFU's order.

    Raises:
        FileNotFoundError: A file is missing.
    """
    learned = {line["question"] for line in tofu("retain_perturbed", run.data)}
    new = [QAPair(line["question"], line["answer"]) for line in tofu("retain90", run.data) if line["question"] not in learned]
    return new[:: -(-len(new) // min(_MOST, len(run.records[FORGET])))]


def measure(run: Run) -> None:
    """Measure what is missing, when the table's parts are there. Raises FileNotFoundError if TOFU's files are missing."""
    new = held_out(run)
    for system in run.models:
        if system in run.parts and HELD_OUT not in run.parts[system]:
            model = TokenLikelihood(run.models[system])
            asked = tqdm(new, desc=f"{system}: held out", file=sys.stderr)
            run.parts[system][HELD_OUT] = [model.tokens(pair.question, [pair.answer])[0] for pair in asked]
    if missing := [system for system in run.parts if FLUENCY not in run.parts[system]]:
        judge = Likelihood(run.models[RETAIN])
        for system in missing:
            said = zip(run.rows(system)[FORGET], run.parts[system][f"answers {FORGET}"], strict=True)
            asked_of = [(row.question, written(answer, [SAY])) for row, answer in said]
            run.parts[system][FLUENCY] = judge.all_of(asked_of, f"{system}: fluency")


def figures(run: Run) -> dict[str, dict[str, float]]:
    """Return by system what was measured.

    `fluency` is the ratio of `evaluation.answers.metrics.fluency_ratio` against the model without a guard, and is left out where
    no answer has a text of the model. `privleak` is left out where it is not defined. It compares with the model that never saw
    what is to be forgotten. Questions that no policy is about are answered without the guard, so a guarded system has the
    held-out likelihoods of its model.

    Raises:
        KeyError: `measure` has not measured it.
    """
    retrained = _auc(run, RETAIN)
    found = {}
    for system in run.parts:
        own: dict[str, float] = {"privleak": priv_leak(_auc(run, system), retrained)} if retrained else {}
        if (ratio := _fluency(run, system)) is not None:
            own["fluency"] = ratio
        found[system] = own
    return found


def _fluency(run: Run, system: str) -> float | None:
    unguarded = dict(zip((row.question for row in run.rows(NONE)[FORGET]), _pairs(run, NONE), strict=True))
    return fluency_ratio([unguarded[row.question] for row in run.rows(system)[FORGET]], _pairs(run, system))


def _pairs(run: Run, system: str) -> Sequence[tuple[float, int]]:
    return [(total, count) for total, count in run.parts[system][FLUENCY]]


def _auc(run: Run, system: str) -> float:
    """Return how often a held-out answer is likelier than one that is to be forgotten, as MUSE defines it."""
    model = system if system in run.models else NONE
    new = [min_k(tokens) for tokens in run.parts[model][HELD_OUT]]
    return auc(new, [min_k(one.right) for one in run.scored(system)[FORGET]])
