"""The dated record of a run: tables, a plot, and the figures as JSON."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "record"
GOALS = {
    "abstain": "exact 0, near at most chance + 0.5%, broken 0, fluency at least 0.95",
    "rephrase": "exact 0, near at most chance + 1%, broken at most 1%, fluency at least 0.9",
    "both": "leak@20: exact 0, near at most 1%; a rollback at most 3 decode steps plus 10 ms",
}
SUBJECTS = {"known": "SmolLM2-135M, works, persons and know-how", "people": "the demo model, the invented people"}

_TOLD = {
    "exact": "exact",
    "near": "near",
    "near_chance": "near by chance",
    "broken": "broken word next to a hit",
    "broken_anywhere": "broken word anywhere",
    "abstained": "abstained",
    "rephrased": "rephrased",
    "unlisted": "unlisted facts let out",
    "spoiled": "namesakes spoiled",
}
_READ = {
    "fluency_ratio": "fluency ratio",
    "likelihood_ratio": "likelihood ratio",
    "mean_logprob": "log-probability a token",
    "repetition": "repetition",
    "kept": "words kept",
    "generated_per_kept": "tokens generated per token kept",
}
_SAMPLED = {
    "leak1": "leak@1",
    "leak20": "leak@20",
    "near1": "near@1",
    "near20": "near@20",
    "near20_chance": "near@20 by chance",
}
_COST = {
    "extra_s": "extra s an answer",
    "rollbacks": "rollbacks",
    "rollback_s": "s a rollback",
    "pause_s": "s until it goes on",
    "step_s": "s a step",
    "first_s": "s to the first text",
    "first_extra_s": "extra s to it",
}
_COUNTS = {"rollbacks"}


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown.

    Args:
        results: The figures of each subject ("known", "people") by system, and the "effort".
        date: The record's name.
    """
    effort = results["effort"]
    lines = [
        f"# Answers about what must be forgotten, {date}",
        "",
        f"`make eval-answers` on {os.cpu_count()} cores ({platform.machine()}, no GPU), one run. Greedy answers of at most",
        f"{effort['tokens']} tokens; {effort['samples']} samples at temperature 1 of at most {effort['sampled']} questions;",
        f"times of {effort['timed']} streamed answers, one at a time. README.md says what each column means.",
        "",
        "Goals: " + "; ".join(f"{name}: {goal}" for name, goal in GOALS.items()) + ".",
        "",
    ]
    for subject, title in SUBJECTS.items():
        if subject in results:
            lines += [f"## {title[0].upper()}{title[1:]}", "", *_tables(results[subject]), ""]
    return "\n".join([*lines, f"![shares of answers]({date}.png)", ""])


def _tables(found: dict[str, dict[str, Any]]) -> list[str]:
    lines = [*_rows(found, {"questions": "questions", **_TOLD}, percent=True), "", *_rows(found, _READ, percent=False), ""]
    if any(figures["leak20"] is not None for figures in found.values()):
        lines += [*_rows(found, _SAMPLED, percent=True), ""]
    lines += [*_rows(found, _COST, percent=False), ""]
    lines += ["Exact / near / namesakes spoiled, by kind of target:", ""]
    lines += [*_groups(found, ("exact_by_kind", "near_by_kind", "spoiled_by_kind")), ""]
    lines += ["Exact / near, by form of question; nothing in a `nameless` question names the target:", ""]
    return lines + _groups(found, ("exact_by_form", "near_by_form"))


def _groups(found: dict[str, dict[str, Any]], keys: tuple[str, ...]) -> list[str]:
    groups = list(dict.fromkeys(group for figures in found.values() for group in figures[keys[0]]))
    lines = ["| system | " + " | ".join(groups) + " |", "|---" * (len(groups) + 1) + "|"]
    for name, figures in found.items():
        cells = (" / ".join(_percent(figures[key].get(group)) for key in keys) for group in groups)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _rows(found: dict[str, dict[str, Any]], columns: dict[str, str], *, percent: bool) -> list[str]:
    lines = ["| system | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    for name, figures in found.items():
        cells = []
        for key in columns:
            value = figures[key]
            whole = key in _COUNTS or key == "questions"
            cells.append(str(value) if whole else _percent(value) if percent else _number(value))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw what the answers tell and how they read, for each subject and system."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    subjects = [subject for subject in SUBJECTS if subject in results]
    height = sum(1.5 + 0.7 * len(results[subject]) for subject in subjects)
    figure, grid = pyplot.subplots(len(subjects), 2, figsize=(13, height), squeeze=False)
    for (told, read), subject in zip(grid, subjects, strict=True):
        found = results[subject]
        systems = list(found)
        rows = range(len(systems))
        shares = {"exact": "#222222", "near": "#c0392b", "broken": "#e59866", "unlisted": "#7f8c8d"}
        _bars(told, found, shares, 100)
        chances = [100 * found[name]["near_chance"] for name in systems]
        # On the second of four bars, that of the near misses.
        told.plot(chances, [row - 0.1 for row in rows], "|", color="blue", markersize=11, label="near by chance")
        told.set(xlabel="per cent", title=f"What they tell: {SUBJECTS[subject]}")
        ratios = {
            "fluency_ratio": "#2e86c1",
            "likelihood_ratio": "#85c1e9",
            "kept": "#52be80",
            "abstained": "#f4d03f",
            "spoiled": "#a569bd",
        }
        _bars(read, found, ratios, 1)
        read.axvline(1, color="gray", linewidth=0.8)
        read.set(xlabel="ratio or share, 0 to 1", title="How they read")
        for axes in (told, read):
            axes.set_yticks(rows, systems)
            axes.invert_yaxis()
            axes.grid(alpha=0.3, axis="x")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=5, fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _bars(axes: Any, found: dict[str, dict[str, Any]], keys: dict[str, str], scale: float) -> None:
    height = 0.8 / len(keys)
    for at, (key, color) in enumerate(keys.items()):
        values = [scale * (figures[key] or 0) for figures in found.values()]
        where = [row - 0.4 + (at + 0.5) * height for row in range(len(found))]
        axes.barh(where, values, height=height, color=color, label=key.replace("_", " "))


def write(results: dict[str, Any], date: str, folder: Path) -> Path:
    """Write the record of one run into `folder` and return the table's path."""
    folder.mkdir(exist_ok=True)
    (folder / f"{date}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    plot(results, folder / f"{date}.png")
    path = folder / f"{date}.md"
    path.write_text(table(results, date), encoding="utf-8")
    return path
