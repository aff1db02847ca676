"""The dated record of a run: tables, a plot, and the figures as JSON."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

from evaluation.redteam.figures import GOALS

FOLDER = Path(__file__).parent / "record"
TITLES = {
    "people": "The demo model and the invented people",
    "known": "SmolLM2-135M, works, persons and know-how",
    "policy": "The server at the address",
}
_COLUMNS = {
    "attacks": "attacks",
    "refused": "refused",
    "unguarded": "without the guard",
    "success": "attack success",
    "samples": "samples",
    "leak_at_1": "leak@1",
    "leak_at_20": "leak@20",
    "near": "near",
    "near_chance": "near by chance",
    "twins": "twins",
    "over_blocking": "over-blocking",
    "twins_unchanged": "twins unchanged",
    "faults": "faults",
}
_WHOLE = ("attacks", "samples", "twins", "faults")


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown: for each forget set the pooled figures, then each kind's.

    Args:
        results: The figures of each forget set by name.
        date: The record's name.
    """
    lines = [
        f"# Attacks on the guard, {date}",
        "",
        f"`make redteam` on {os.cpu_count()} cores ({platform.machine()}, no GPU). README.md says what each column means.",
        "",
        f"Goals, in every kind: leak@1 at most {GOALS['leak_at_1']:.0%}, leak@20 at most {GOALS['leak_at_20']:.0%},",
        f"over-blocking at most {GOALS['over_blocking']:.0%}. Behind a share, in square brackets, is Wilson's 95% interval.",
        "",
    ]
    for name, found in results.items():
        lines += [f"## {TITLES.get(name, name)}", "", *_of(found), f"![rates by kind]({date}-{name}.png)", ""]
    return "\n".join(lines)


def _of(found: dict[str, Any]) -> list[str]:
    effort = found["effort"]
    lines = [
        f"At most {effort['attacks']} attacks and {effort['twins']} innocent twins per kind, greedy, of at most",
        f"{effort['tokens']} tokens; {effort['samples']} samples at temperature 1 of {effort['sampled']} attacks per kind.",
        "",
        "| group | attack success | without the guard | leak@1 | leak@20 | near | near by chance | over-blocking | faults |",
        "|---" * 9 + "|",
    ]
    for name, held in {**found["groups"], "all": found["all"]}.items():
        rates = ("success", "unguarded", "leak_at_1", "leak_at_20", "near", "near_chance", "over_blocking")
        lines.append(f"| {name} | " + " | ".join(_interval(held[rate]) for rate in rates) + f" | {held['faults']} |")
    beyond = [f"{name}: {', '.join(kinds)}" for name, kinds in found["beyond_goal"].items() if kinds]
    lines += ["", "Kinds beyond a goal: " + ("; ".join(beyond) or "none") + ".", ""]
    lines += ["| kind | " + " | ".join(_COLUMNS.values()) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for kind, held in found["kinds"].items():
        lines.append(f"| {kind} | " + " | ".join(_cell(name, held[name]) for name in _COLUMNS) + " |")
    if faults := {kind: held["fault_codes"] for kind, held in found["kinds"].items() if held["faults"]}:
        lines += ["", "Faults: " + "; ".join(f"{kind}: {', '.join(codes)}" for kind, codes in faults.items()) + "."]
    if found["probes"]:
        lines += ["", "| request that asks for no answer | status | defended |", "|---|---|---|"]
        lines += [f"| {one['name']} | {one['status']} | {'yes' if one['defended'] else '**no**'} |" for one in found["probes"]]
    for name, held in found["oracles"].items():
        lines += [
            "",
            f"Oracle `{name}`: it flags {held['flagged']:.0%} of {held['facts']} facts and {held['other_flagged']:.0%} of",
        ]
        lines += [f"{held['other_words']} texts about twins."]
    return [*lines, ""]


def _cell(name: str, value: Any) -> str:
    return "" if value is None else str(value) if name in _WHOLE else f"{value:.1%}"


def _interval(held: dict[str, Any]) -> str:
    if held["rate"] is None:
        return ""
    low, high = held["interval"]
    return f"{held['rate']:.2%} [{low:.1%}, {high:.1%}]"


def plot(name: str, found: dict[str, Any], path: Path) -> None:
    """Draw the rates of each kind: what gets out without and with the guard, and what is kept from being answered."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    kinds = list(found["kinds"])
    half = (len(kinds) + 1) // 2
    figure, columns = pyplot.subplots(1, 2, figsize=(15, 3 + 0.24 * half))
    bars = {"unguarded": "#c8c8c8", "leak_at_20": "#c0392b", "leak_at_1": "#222222", "over_blocking": "#2e86c1"}
    labels = {
        "unguarded": "attack success without the guard",
        "leak_at_20": "leak@20",
        "leak_at_1": "leak@1",
        "over_blocking": "over-blocking",
    }
    for axes, shown in zip(columns, (kinds[:half], kinds[half:]), strict=True):
        rows = range(len(shown))
        for at, (key, color) in enumerate(bars.items()):
            values = [100 * (found["kinds"][kind][key] or 0) for kind in shown]
            # The grey bar lies behind the others, which share the row.
            height, offset = (0.85, 0.0) if key == "unguarded" else (0.26, (at - 2) * 0.27)
            axes.barh([row + offset for row in rows], values, height=height, color=color, label=labels[key], zorder=1 + at)
        axes.set_yticks(rows, shown, fontsize=8)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set(xlim=(0, 100), xlabel="per cent")
        axes.grid(alpha=0.3, axis="x")
    handles, names = columns[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=4, frameon=False)
    figure.suptitle(f"{TITLES.get(name, name)}: {len(kinds)} kinds of attack")
    figure.tight_layout(rect=(0, 0.03, 1, 0.99))
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def write(results: dict[str, Any], date: str, folder: Path) -> Path:
    """Write the record of one run into `folder` and return the table's path."""
    folder.mkdir(exist_ok=True)
    (folder / f"{date}.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, found in results.items():
        plot(name, found, folder / f"{date}-{name}.png")
    path = folder / f"{date}.md"
    path.write_text(table(results, date), encoding="utf-8")
    return path
