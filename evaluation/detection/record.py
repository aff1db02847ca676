"""The record of the detection benchmark: tables, a plot, and the figures as JSON."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.detection.few import KINDS, LANGUAGES, SCRIPTS
from evaluation.detection.few_measure import flat

FOLDER = Path(__file__).parent / "record"
GOALS: dict[str, Any] = {
    "recall": 0.995,
    "attack": 0.98,
    "false_alarms": 0.005,
    "few described": {3: 0.85, 5: 0.92},
    "latency_ms": {"32": 10, "512": 60},
}
# Attacks whose prompts a human reader cannot attribute to the target either: they are reported, but have no goal.
LIMITS = ("reverse_blank",)
_FOREIGN = "foreign neighbours "
_TONGUES = (*LANGUAGES, *SCRIPTS)


def keys(results: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of build/detection.json: recall and false alarms by set, the latency by tokens, and all results.

    TOFU's sets are those of forget10. A part that was not measured has no keys.
    """
    usual = results.get("side_by_side", {}).get("forget10", {}).get("guard-server", {"recall": {}, "false_alarms": {}})
    few = results.get("few", {})
    one_example = results.get("one_example", {})
    latency = {tokens: one["median"] for tokens, one in results.get("latency", {}).items() if isinstance(one, dict)}
    return {
        "recall": {
            **{f"TOFU {name}": share for name, share in usual["recall"].items()},
            **{f"attack {name}": share for name, share in results.get("attacks", {}).items()},
            **flat(few, "recall"),
        },
        "false_alarms": {
            **{f"TOFU {name}": share for name, share in usual["false_alarms"].items()},
            **{f"TOFU {name}, no operator's background": s for name, s in results.get("without_operator", {}).items()},
            **flat(few, "false_alarms"),
            **{f"one example {name}": share for name, share in one_example.get("false_alarms", {}).items()},
        },
        "latency_ms": latency,
        "results": results,
    }


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


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown: of each part that was measured."""
    lines = [
        f"# Detection benchmark, {date}",
        "",
        f"`make eval-detection` on {os.cpu_count()} cores, no GPU, one run. A prompt counts as found if its own target is among",
        "the matches. In percent. Everything is as the server decides after its calibration, without a judge.",
        "",
    ]
    parts: dict[str, Callable[[Any], list[str]]] = {
        "few": _few_table, "side_by_side": _tofu_table, "without_operator": _without_table, "attacks": _attack_table,
        "splits": _split_table, "promised": _halves_table, "growth": _growth_table, "one_example": _one_example_table,
        "extraction": _extraction_table, "latency": _latency_table,
    }  # fmt: skip
    for part, shown in parts.items():
        if results.get(part):
            lines += [*shown(results[part]), ""]
    return "\n".join([*lines, f"![detection]({date}.png)", ""])


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _few_table(few: dict[str, Any]) -> list[str]:
    recalls = ("named", "scripts", "described", "described, told", "described, not told")
    worst = "TOFU, worst set"
    alarms = ("neighbours", "foreign neighbours", "somebody else", "background", worst)
    asked_judge = ("described", "neighbours", "foreign neighbours")
    lines = [
        "## few",
        "",
        f"{next(iter(few.values()))['targets']} real-world targets of four kinds in one policy, each with its first examples; no",
        "prompt in the operator's background. *Told* are descriptions of which the target's own texts say at least half.",
        "*Judged*: prompts that would be left to a judge if there were one; they count as not found.",
        "",
    ]
    rows = []
    for number, one in few.items():
        found = one["recall"], {**one["false_alarms"], worst: max(_tofu_shares(one["false_alarms"]), default=None)}
        judged = [one["judged"].get(name) for name in asked_judge]
        shares = [*(found[0].get(name) for name in recalls), *(found[1].get(name) for name in alarms), *judged]
        rows.append([number, *map(_percent, shares)])
    head = ["examples", *recalls, *(f"false: {name}" for name in alarms), *(f"judged: {name}" for name in asked_judge)]
    lines += [*_rows(head, rows), "", "Goals: named and scripts 99.5; described 85 with 3 examples, 92 with 5; false alarms 0.5."]
    rows = [[kind, number, *map(_percent, _of_kind(one, kind))] for kind in KINDS for number, one in few.items()]
    lines += ["", *_rows(["kind", "examples", "named", "scripts", "described", "false: neighbours", "false: foreign"], rows)]
    scripts = [name for name in next(iter(few.values()))["recall"] if name.startswith("scripts ") and name[8:] not in KINDS]
    rows = [[number, *(_percent(one["recall"][name]) for name in scripts)] for number, one in few.items()]
    lines += ["", *_rows(["examples", *(name[8:] for name in scripts)], rows)]
    rows = [[number, *(_percent(one["false_alarms"].get(_FOREIGN + name)) for name in _TONGUES)] for number, one in few.items()]
    return [*lines, "", *_rows(["examples", *(f"false: foreign {name}" for name in _TONGUES)], rows)]


def _of_kind(one: dict[str, Any], kind: str) -> list[float | None]:
    recall = [one["recall"].get(f"{name} {kind}") for name in ("named", "scripts", "described")]
    return [*recall, *(one["false_alarms"].get(f"{name} {kind}") for name in ("neighbours", "foreign neighbours"))]


def _tofu_shares(false_alarms: dict[str, float]) -> list[float]:
    return [share for name, share in false_alarms.items() if name.startswith("TOFU ")]


def _tofu_table(sets: dict[str, Any]) -> list[str]:
    lines = [
        "## TOFU",
        "",
        "TOFU's forget sets as targets (20 questions each), every second question about the kept authors in the operator's",
        "background, the others asked, with their paraphrases. Goals: paraphrases 99.5, false alarms 0.5.",
    ]
    for name, found in sets.items():
        recalls = list(found["guard-server"]["recall"])
        innocents = [kind for kind in found["guard-server"]["false_alarms"] if kind != "background"]
        rows = [
            [who, *(_percent(one["recall"][kind]) for kind in recalls), *(_percent(one["false_alarms"][k]) for k in innocents)]
            for who, one in found.items()
        ]
        lines += ["", f"### {name}", "", *_rows(["", *recalls, *(f"false: {kind}" for kind in innocents)], rows)]
        own = found["guard-server"]["false_alarms"]["background"]
        lines += ["", f"False alarms on the shipped background, each half against the other: {_percent(own)}."]
    return lines


def _without_table(shares: dict[str, float]) -> list[str]:
    found = ", ".join(f"{name} {_percent(share)}" for name, share in shares.items())
    return [f"False alarms of forget10 where the operator lists no innocent prompt: {found}."]


def _attack_table(attacks: dict[str, float]) -> list[str]:
    named = ((f"{way} (no goal: may fit many people)" if way in LIMITS else way, share) for way, share in attacks.items())
    rows = [[way, _percent(share)] for way, share in named]
    return ["## Ways of asking (forget10; goal 98)", "", *_rows(["way", "found"], rows)]


def _split_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [name, *(_percent(one[key]) for key in ("promised", "observed", "said", "unnamed")), f"{one['within']}/{one['compared']}"]
        for name, one in found.items()
    ]
    return [
        "## What the server said, and what was missed",
        "",
        "Each split calibrates with other examples (three of a target of few, ten of an author of TOFU) and asks questions that",
        "the server has not seen: descriptions, and TOFU's paraphrases of the examples. *Said* is the share of the questions",
        "without the name that the server expects to miss where it cannot promise anything.",
        "",
        *_rows(["", "promised", "missed", "said", "missed without the name", "splits within"], rows),
    ]


def _halves_table(promised: dict[str, Any]) -> list[str]:
    rows = []
    for key, one in promised.items():
        above = sum(missed > float(key.rsplit(" ", 1)[1]) for missed in one["missed"])
        limit = f"{statistics.fmean(one['limits']):.3f}"
        rows.append([key, _percent(one["mean"]), _percent(one["max"]), str(above), limit])
    return [
        "## The promised miss rate",
        "",
        "One half of the paraphrased questions sets the limit, without a cap, and the other half is asked; 20 random halves.",
        "",
        *_rows(["", "mean missed", "most missed", "halves above the promise", "limit in use (mean)"], rows),
    ]


def _growth_table(grown: list[dict[str, Any]]) -> list[str]:
    rows = []
    for one in grown:
        shares = _percent(one["recall"]), _percent(max(one["false_alarms"].values()))
        costs = f"{one['latency_ms']:.1f}", f"{one['build_s']:.1f}", f"{one['memory_mb']:.0f}"
        rows.append([f"{one['targets']:,}", *shares, *costs])
    head = ["targets", "found", "worst false alarms", "ms per prompt", "s to build", "MB resident"]
    return ["## Growth, with 20 examples each", "", *_rows(head, rows)]


def _one_example_table(one: dict[str, Any]) -> list[str]:
    seconds = f"{one['encode_s']:.1f} s to encode, {one['build_s']:.1f} s to build, {one['calibrate_s']:.1f} s to calibrate"
    alarms = ", ".join(f"{name} {_percent(share)}" for name, share in one["false_alarms"].items())
    return [
        f"{one['targets']:,} invented people with one example each: {seconds}, {one['memory_mb']:.0f} MB.",
        f"Found by name: {_percent(one['recall'])}. False alarms: {alarms}.",
    ]


def _extraction_table(found: dict[str, Any]) -> list[str]:
    return ["## Phrases from examples (forget10)", "", "```", *(f"{key}: {value}" for key, value in found.items()), "```"]


def _latency_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [tokens, f"{one['median']:.1f}", f"{one['p95']:.1f}", str(GOALS["latency_ms"][tokens])]
        for tokens, one in found.items()
        if isinstance(one, dict)
    ]
    lines = ["## Latency", "", f"Reading and classifying a new prompt beside {found['examples']:,} examples, one client."]
    return [*lines, "", *_rows(["tokens", "median, ms", "95%, ms", "goal, ms"], rows)]
