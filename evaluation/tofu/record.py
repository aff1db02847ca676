"""The record of a run: figures by system as JSON, and TOFU's table as Markdown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.answers.systems import NONE
from evaluation.metrics.overlap import rouge_l
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.run import RETAIN, Run
from evaluation.tofu.table import Scored, figures, quality, utility

FOLDER = Path(__file__).parent / "record"
COLUMNS = {
    "forget quality": "forget quality (p)",
    "utility": "model utility",
    "rouge_l forget": "ROUGE-L, forget",
    "probability forget": "probability, forget",
    "truth forget": "truth ratio, forget",
    "near retain": "ROUGE-L with the retain model's answer",
    "unchanged kept": "kept answers unchanged",
    "flagged kept": "false alarms",
}


def results(run: Run) -> dict[str, dict[str, float]]:
    """Return the figures of each system: TOFU's, and how it compares with both models.

    `near retain` is the mean ROUGE-L (F1) of the answers to what is to be forgotten with those of the retain model; `unchanged
    kept` the share of the other answers that are those of the model without a guard, and `flagged kept` the share of the other
    questions that the server took for questions about a target.

    Raises:
        KeyError: `NONE` or `RETAIN` was not measured.
    """
    retain, none = run.scored(RETAIN), run.scored(NONE)
    return {system: _figures(run.records, run.scored(system), run.flagged(system), retain, none) for system in run.parts}


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
    return {
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


def table(found: Mapping[str, Mapping[str, float]], name: str, about: str) -> str:
    """Return the record as Markdown. `about` says what was measured."""
    rows = [f"| {system} | {' | '.join(f'{figures[column]:.4g}' for column in COLUMNS)} |" for system, figures in found.items()]
    head = [f"| system | {' | '.join(COLUMNS.values())} |", f"|---|{'---|' * len(COLUMNS)}"]
    return "\n".join([f"# TOFU, {name}", "", about, "", *head, *rows, ""])


def write(found: dict[str, Any], name: str, about: str, folder: Path) -> Path:
    """Write the record into `folder`, and return the table's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    path = folder / f"{name}.md"
    path.write_text(table(found, name, about), encoding="utf-8")
    return path
