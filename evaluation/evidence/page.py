"""The report as one page without anything from elsewhere: goals, plots, and a table for each scenario."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.evidence import plots
from evaluation.evidence.goals import SCENARIO, judged
from evaluation.evidence.summary import Table, written
from evaluation.scenarios.probes import ONE_BY_ONE

_EVALUATION = Path(__file__).parents[1]
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
COLUMNS = {
    "leak": "leak",
    "near leak": "near leak",
    "rouge_l forget": "ROUGE-L, forget",
    "probability forget": "probability, forget",
    "truth forget": "truth ratio, forget",
    "forget quality": "forget quality, p",
    "utility": "model utility",
    "fluency": "fluency",
    "privleak": "PrivLeak",
    "near retain": "ROUGE-L with the retain model's answer",
    "unchanged kept": "kept answers unchanged",
    "flagged kept": "false alarms",
}
"""TOFU's metrics and ours, with their titles."""
PROBED = {
    "leak": "leak",
    "near leak": "near leak",
    "verbatim": "VerbMem",
    "verbatim 50": "after 50 words",
    "verbatim 100": "after 100 words",
    "verbatim 200": "after 200 words",
    "known forget": "KnowMem, the book",
    "known retain": "KnowMem, a kept book",
    "leak@1": "leak@1",
    "leak@128": "leak@128",
    "phrase@128": "listed phrase in 128 samples",
    "flagged": "found to be about a target",
    "unchanged kept": "kept answers unchanged",
    "flagged kept": "false alarms",
}
"""The metrics of a probe, with their titles."""


def page(table: Table, about: str, redteam: Mapping[str, Any] | None = None, speed: Mapping[str, Any] | None = None) -> str:
    """Return the page.

    Args:
        table: The figures.
        about: What was measured, in a sentence.
        redteam: The figures of a red team's record; None leaves its plot out.
        speed: The record of speed; None leaves the plot of cost out.
    """
    drawn: dict[str, str] = {}
    if SCENARIO in table:
        drawn["Forgetting and utility"] = plots.forget_against_utility(table, SCENARIO)
    for name in ("people", "known") if redteam else ():
        drawn[f"Leak by attack: {name}"] = plots.leak_by_attack(redteam[name]["kinds"]) if redteam else ""
    if any(name.startswith(f"{ONE_BY_ONE}/") for name in table):
        drawn["Targets one after another"] = plots.one_by_one(table)
    if speed:
        drawn["Cost of a step"] = plots.cost(costs(speed))
    return _ENVIRONMENT.get_template("report.html.j2").render(
        about=about,
        goals=[(_code(one.goal.text), one) for one in judged(table)],
        plots=drawn,
        tables={scenario: _rows(table, scenario) for scenario in table},
    )


def _code(text: str) -> str:
    """Return a text as HTML, with what is between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text, quote=False))


def costs(speed: Mapping[str, Any]) -> dict[str, float]:
    """Return what a step of decoding costs by method, in microseconds, for one row and the most phrases that were measured.

    Args:
        speed: The record of speed, with its vocabulary of 131,072 tokens.
    """
    ours = [one for one in speed["steps"]["131k"] if one["batch"] == 1]
    most = max(ours, key=lambda one: one["phrases"])
    found = {f"{plots.OURS}, {most['phrases']:,} phrases": most["p50"]}
    for name, rows in speed["rivals"]["131k"].items():
        if name != "naive":  # that one is a definition, not a rival
            last = max((one for one in rows if one["batch"] == 1), key=lambda one: one["phrases"])
            found[f"{name}, {last['phrases']:,} phrases"] = last["median_us"]
    return found


def newest(part: str) -> Mapping[str, Any] | None:
    """Return the newest record of a part of `evaluation`, or None if it has none."""
    records = sorted((_EVALUATION / part / "record").glob("????-??-??.json"))
    if not records:
        return None
    found: Mapping[str, Any] = json.loads(records[-1].read_text(encoding="utf-8"))
    return found


def columns(table: Table, scenario: str) -> Mapping[str, str]:
    """Return the metrics of a scenario's table, with their titles."""
    measured = {metric for figures in table[scenario].values() for metric in figures}
    chosen = COLUMNS if "utility" in measured else PROBED
    return {metric: title for metric, title in chosen.items() if metric in measured}


def _rows(table: Table, scenario: str) -> dict[str, Any]:
    shown = columns(table, scenario)
    rows = {system: [written(figures.get(metric)) for metric in shown] for system, figures in table[scenario].items()}
    return {"columns": list(shown.values()), "rows": rows}
