"""The plot of the detection benchmark."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evaluation.detection.record import GOALS, LIMITS


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw what was measured: the set few, ways of asking, the classifiers side by side, miss rates, and the growth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(22, 12))
    drawn: dict[str, Callable[[Any, Any], None]] = {
        "few": _few,
        "attacks": _attacks,
        "side_by_side": _side_by_side,
        "promised": _halves,
    }
    drawn |= {"splits": _splits, "growth": _growth}
    for place, (part, draw) in zip(axes.flat, drawn.items(), strict=True):
        if results.get(part):
            draw(place, results[part])
        else:
            place.set_axis_off()
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _few(axes: Any, few: dict[str, Any]) -> None:
    numbers = [int(number) for number in few]
    for name, style in (("named", "o-"), ("scripts", "s-"), ("described", "^-")):
        axes.plot(numbers, [100 * one["recall"][name] for one in few.values()], style, label=name)
    for number, goal in GOALS["few described"].items():
        axes.plot([number], [100 * goal], "k_", markersize=18)
    axes.set(xlabel="examples of each target", ylabel="% found", title="few; strokes: goals of described", xticks=numbers)
    axes.set_ylim(bottom=0, top=102)
    other = axes.twinx()
    for name, style in (("neighbours", "v--"), ("foreign neighbours", "<--"), ("somebody else", "x--"), ("background", "+--")):
        values = [100 * one["false_alarms"].get(name, math.nan) for one in few.values()]
        other.plot(numbers, values, style, color="tab:red", label=f"{name} (right)", alpha=0.7)
    other.axhline(100 * GOALS["false_alarms"], color="tab:red", linewidth=0.8, linestyle=":")
    other.set_ylabel("% false alarms")
    other.set_ylim(bottom=0)
    lines = [*axes.get_lines(), *other.get_lines()]
    axes.legend(handles=[line for line in lines if not line.get_label().startswith("_")], fontsize=8, loc="center left")


def _attacks(axes: Any, attacks: dict[str, float]) -> None:
    ordered = sorted(attacks.items(), key=lambda item: item[1])
    colours = ["tab:grey" if name in LIMITS else "tab:red" if share < GOALS["attack"] else "tab:blue" for name, share in ordered]
    axes.barh([name for name, _ in ordered], [100 * share for _, share in ordered], color=colours)
    axes.axvline(100 * GOALS["attack"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="% of prompts in which the target was found", title="Ways of asking (forget10, 400 prompts each)")
    axes.tick_params(axis="y", labelsize=8)


def _side_by_side(axes: Any, sets: dict[str, Any]) -> None:
    for name, one in sets["forget10"].items():
        worst = max(share for kind, share in one["false_alarms"].items() if kind != "background")
        axes.scatter([100 * worst], [100 * one["recall"]["paraphrased"]], s=60, label=name)
    axes.axvline(100 * GOALS["false_alarms"], color="black", linewidth=0.8, linestyle="--")
    axes.axhline(100 * GOALS["recall"], color="black", linewidth=0.8, linestyle="--")
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set(
        xlabel="% false alarms, worst innocent set", ylabel="% of paraphrased questions found", title="Side by side, forget10"
    )
    axes.legend(fontsize=8)


def _halves(axes: Any, promised: dict[str, Any]) -> None:
    axes.boxplot(
        [[100 * m for m in one["missed"]] for one in promised.values()], tick_labels=[k.replace(", ", "\n") for k in promised]
    )
    for at, key in enumerate(promised, start=1):
        axes.plot([at - 0.35, at + 0.35], [100 * float(key.rsplit(" ", 1)[1])] * 2, color="tab:red", linewidth=2)
    axes.set(ylabel="% missed", title="Observed miss rate over 20 random halves; red: promised")
    axes.tick_params(axis="x", labelsize=8)


def _splits(axes: Any, found: dict[str, Any]) -> None:
    for name, one in found.items():
        pairs = [(split["promised"], split["observed"]) for split in one["splits"] if split["promised"] is not None]
        pairs += [
            (split["said"], split["unnamed"])
            for split in one["splits"]
            if split["promised"] is None and None not in (split["said"], split["unnamed"])
        ]
        axes.scatter([100 * said for said, _ in pairs], [100 * seen for _, seen in pairs], label=name, alpha=0.7)
    most = max(axes.get_xlim()[1], axes.get_ylim()[1], 1.0)
    axes.plot([0, most], [0, most], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="% promised or said", ylabel="% missed", title="Splits: below the line is within what was said")
    axes.legend(fontsize=8)


def _growth(axes: Any, grown: list[dict[str, Any]]) -> None:
    sizes = [one["targets"] for one in grown]
    axes.plot(sizes, [100 * (1 - one["recall"]) for one in grown], "o-", label="% missed")
    axes.plot(sizes, [100 * max(one["false_alarms"].values()) for one in grown], "s-", label="% false alarms, worst set")
    axes.plot(sizes, [one["latency_ms"] for one in grown], "^-", label="ms per prompt")
    axes.plot(sizes, [one["memory_mb"] / 100 for one in grown], "v:", label="100 MB resident")
    axes.set(xscale="log", xlabel="targets of 20 examples", title="As the list grows")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
