"""The figures of a run by system: TOFU's, and how a system compares with both models."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from evaluation.answers.systems import NONE
from evaluation.metrics.overlap import rouge_l
from evaluation.tofu.facts import key_words, share_nearly_told, share_told
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.run import RETAIN, Run
from evaluation.tofu.table import Scored, figures, quality, utility


def results(run: Run) -> dict[str, dict[str, float]]:
    """Return the figures of each system: TOFU's, and how it compares with both models.

    `leak` is the share of the answers to what is to be forgotten that say all words of the fact (`evaluation.tofu.facts`), and
    `near leak` the share of those that say most letters of each of these words; questions without such words do not count.
    `near retain` is the mean ROUGE-L (F1) of the answers to what is to be forgotten with those of the retain model; `unchanged
    kept` the share of the other answers that are those of the model without a guard, and `flagged kept` the share of the other
    questions that the server took for questions about a target.

    Raises:
        KeyError: `NONE` or `RETAIN` was not measured.
    """
    found = {}
    for system in run.parts:
        retain, none = run.alike(system, RETAIN), run.alike(system, NONE)
        ours = _figures(run.rows(system), run.scored(system), run.flagged(system), retain, none)
        found[system] = {**ours, **run.about(system)}
    return found


def _figures(
    records: Mapping[str, Sequence[Record]],
    scored: Mapping[str, Sequence[Scored]],
    flagged: Mapping[str, float],
    retain: Mapping[str, Sequence[Scored]],
    none: Mapping[str, Sequence[Scored]],
) -> dict[str, float]:
    found = figures(records, scored)
    kept = [name for name in records if name != FORGET]
    pairs = [pair for name in kept for pair in zip(scored[name], none[name], strict=True)]
    count = sum(len(records[name]) for name in kept)
    facts = [(one.answer, words) for row, one in zip(records[FORGET], scored[FORGET], strict=True) if (words := key_words(row))]
    return {
        **({"leak": share_told(facts), "near leak": share_nearly_told(facts)} if facts else {}),
        "forget quality": quality(scored[FORGET], retain[FORGET]),
        "utility": utility(found),
        **{f"{figure} {name}": value for name, of in found.items() for figure, value in of.items()},
        "near retain": statistics.fmean(
            rouge_l(ours.answer, theirs.answer).f1 for ours, theirs in zip(scored[FORGET], retain[FORGET], strict=True)
        ),
        "unchanged kept": sum(ours.answer == theirs.answer for ours, theirs in pairs) / len(pairs),
        "flagged forget": flagged[FORGET],
        "flagged kept": sum(flagged[name] * len(records[name]) for name in kept) / count,
    }
