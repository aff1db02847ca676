"""The record of the detection benchmark: tables, a plot, and the figures as JSON."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "record"
GOALS = {"recall": 0.995, "attack": 0.98, "false_alarms": 0.005}
# Attacks whose prompts a human reader cannot attribute to the target either: they are reported, but have no goal.
LIMITS = ("reverse_blank",)


def keys(results: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of build/detection.json: for forget10, recall by set and attack, false alarms by set, and latency."""
    usual = results["side_by_side"]["forget10"]["guard-server"]
    return {
        "recall": {**usual["recall"], **{f"attack: {name}": share for name, share in results["attacks"].items()}},
        "false_alarms": usual["false_alarms"],
        "latency_ms": results["latency_ms"],
        "results": results,
    }


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw the recall by attack, the classifiers side by side, the observed miss rates, and the growth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(15, 12))
    _attacks(axes[0][0], results["attacks"])
    _side_by_side(axes[0][1], results["side_by_side"]["forget10"])
    _splits(axes[1][0], results["promised"])
    if results.get("growth"):
        _growth(axes[1][1], results["growth"])
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _attacks(axes: Any, attacks: dict[str, float]) -> None:
    ordered = sorted(attacks.items(), key=lambda item: item[1])
    colours = ["tab:grey" if name in LIMITS else "tab:red" if share < GOALS["attack"] else "tab:blue" for name, share in ordered]
    axes.barh([name for name, _ in ordered], [100 * share for _, share in ordered], color=colours)
    axes.axvline(100 * GOALS["attack"], color="black", linewidth=0.8, linestyle="--")
    axes.set(xlabel="% of prompts in which the target was found", title="Ways of asking (forget10, 400 prompts each)")
    axes.tick_params(axis="y", labelsize=8)


def _side_by_side(axes: Any, found: dict[str, Any]) -> None:
    for name, one in found.items():
        worst = max(share for kind, share in one["false_alarms"].items() if kind != "background")
        axes.scatter([100 * worst], [100 * one["recall"]["paraphrased"]], s=60, label=name)
    axes.axvline(100 * GOALS["false_alarms"], color="black", linewidth=0.8, linestyle="--")
    axes.axhline(100 * GOALS["recall"], color="black", linewidth=0.8, linestyle="--")
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set(
        xlabel="% false alarms, worst innocent set", ylabel="% of paraphrased questions found", title="Side by side, forget10"
    )
    axes.legend(fontsize=8)


def _splits(axes: Any, promised: dict[str, Any]) -> None:
    axes.boxplot(
        [[100 * m for m in one["missed"]] for one in promised.values()], tick_labels=[k.replace(", ", "\n") for k in promised]
    )
    for at, key in enumerate(promised, start=1):
        axes.plot([at - 0.35, at + 0.35], [100 * float(key.rsplit(" ", 1)[1])] * 2, color="tab:red", linewidth=2)
    axes.set(ylabel="% missed", title="Observed miss rate over 20 random halves; red: promised")
    axes.tick_params(axis="x", labelsize=8)


def _growth(axes: Any, grown: list[dict[str, Any]]) -> None:
    sizes = [one["targets"] for one in grown]
    axes.plot(sizes, [100 * (1 - one["recall"]) for one in grown], "o-", label="% missed")
    axes.plot(sizes, [100 * max(one["false_alarms"].values()) for one in grown], "s-", label="% false alarms, worst set")
    axes.plot(sizes, [one["latency_ms"] for one in grown], "^-", label="ms per prompt")
    axes.plot(sizes, [one["memory_mb"] / 100 for one in grown], "v:", label="100 MB resident")
    axes.set(xscale="log", xlabel="targets of 20 examples", title="As the list grows")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown."""
    lines = [
        f"# Detection benchmark, {date}",
        "",
        f"`make eval-detection` on {os.cpu_count()} cores, no GPU, one run. TOFU's forget sets as targets (20 questions each),",
        "every second question about the kept authors in the operator's background, the others asked, with their paraphrases.",
        "A prompt counts as found if its own target is among the matches. In percent.",
        "",
    ]
    for name, found in results["side_by_side"].items():
        recalls = list(found["guard-server"]["recall"])
        innocents = [kind for kind in found["guard-server"]["false_alarms"] if kind != "background"]
        lines += [f"## {name}", "", "| | " + " | ".join([*recalls, *(f"false: {kind}" for kind in innocents)]) + " |"]
        lines += ["|---" * (1 + len(recalls) + len(innocents)) + "|"]
        for who, one in found.items():
            cells = [one["recall"][kind] for kind in recalls] + [one["false_alarms"][kind] for kind in innocents]
            lines.append(f"| {who} | " + " | ".join(f"{100 * cell:.2f}" for cell in cells) + " |")
        own = found["guard-server"]["false_alarms"]["background"]
        lines += ["", f"False alarms on the shipped background, each half against the other: {100 * own:.2f}.", ""]
    lines += [
        "Goals: paraphrases 99.5, false alarms 0.5.",
        "",
        "## Ways of asking (forget10; goal 98)",
        "",
        "| way | found |",
        "|---|---|",
    ]
    lines += [
        f"| {name}{' (no goal: the prompt may fit anybody)' if name in LIMITS else ''} | {100 * share:.2f} |"
        for name, share in results["attacks"].items()
    ]
    lines += [
        "",
        "## The promised miss rate",
        "",
        "One half of the paraphrased questions sets the limit, and the other half is asked; 20 random halves.",
        "",
    ]
    lines += ["| | mean missed | most missed | halves above the promise | limit in use (mean) |", "|---|---|---|---|---|"]
    for key, one in results["promised"].items():
        above = sum(missed > float(key.rsplit(" ", 1)[1]) for missed in one["missed"])
        mean, most = 100 * one["mean"], 100 * one["max"]
        lines.append(f"| {key} | {mean:.2f} | {most:.2f} | {above} | {statistics.fmean(one['limits']):.3f} |")
    if results.get("growth"):
        lines += [
            "",
            "## Growth",
            "",
            "| targets | found | worst false alarms | ms per prompt | s to build | MB resident |",
            "|---|---|---|---|---|---|",
        ]
        for one in results["growth"]:
            worst = 100 * max(one["false_alarms"].values())
            lines.append(
                f"| {one['targets']:,} | {100 * one['recall']:.2f} | {worst:.2f} | {one['latency_ms']:.1f} | "
                f"{one['build_s']:.1f} | {one['memory_mb']:.0f} |"
            )
    if results.get("extraction"):
        lines += [
            "",
            "## Phrases from examples (forget10)",
            "",
            "```",
            *(f"{k}: {v}" for k, v in results["extraction"].items()),
            "```",
        ]
    lines += ["", "## Latency, ms", "", *(f"- {k}: {v}" for k, v in results["latency_ms"].items())]
    return "\n".join([*lines, "", f"![detection]({date}.png)", ""])
