"""The dated record of the decode-time benchmark: a table, a plot, and the figures as JSON."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "record"
GOALS = {"throughput": 0.97, "idle": 0.99, "p50": 20.0, "p99": 200.0, "compile_s": 1.0, "bytes": 100.0}


def keys(results: dict[str, Any]) -> dict[str, Any]:
    """Return what build/bench.json gains: figures for the 131k vocabulary, rivals for both."""
    large = results["throughput"]["131k"]
    one_row = [step for step in results["steps"]["131k"] if step["batch"] == 1]
    # The small form has the large vocabulary alone.
    small = results["throughput"].get("8k")
    return {
        "throughput_ratio": large["ratio"],
        "idle_ratio": large["idle_ratio"],
        **({"throughput_ratio_8k": small["ratio"], "idle_ratio_8k": small["idle_ratio"]} if small else {}),
        "mask_us": {step["phrases"]: {"p50": step["p50"], "p99": step["p99"]} for step in one_row},
        "compile_s": {cost["phrases"]: cost["seconds"] for cost in results["compiled"]["131k"]},
        "bytes_per_phrase_byte": results["compiled"]["131k"][-1]["bytes_per_phrase_byte"],
        "rivals": {
            **results["rivals"],
            "bad_words_throughput": {name: found["bad_words"] for name, found in results["throughput"].items()},
        },
    }


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw the cost of one row's step against the number of phrases, ours and the rivals', for the 131k vocabulary."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 6))
    steps = [step for step in results["steps"]["131k"] if step["batch"] == 1]
    sizes = [step["phrases"] for step in steps]
    axes.plot(sizes, [step["p50"] for step in steps], "o-", color="black", linewidth=2.5, label="guard-server (median)")
    axes.plot(sizes, [step["p99"] for step in steps], "o:", color="black", label="guard-server (p99)")
    for (name, found), marker in zip(results["rivals"]["131k"].items(), "sd^v", strict=False):
        axes.plot([one["phrases"] for one in found], [one["median_us"] for one in found], marker + "--", label=name)
    axes.set(xscale="log", yscale="log", xlabel="phrases", ylabel="microseconds per step, one row")
    axes.set_title("What a decoding step costs, vocabulary of 131,072 tokens")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown."""
    lines = [
        f"# Decode-time benchmark, {date}",
        "",
        f"`make bench` on {os.cpu_count()} cores ({platform.machine()}, no GPU), one run. Ratios are medians of pairs of",
        "runs, one after the other; the machine is noisy, so compare figures of this run only. Models: two-layer Llamas of",
        "random weights, bfloat16.",
        "",
        "## One row's step, microseconds (from the sampled id to the edits of the logits)",
        "",
        "| phrases | vocabulary | p50 | p99 | first time p50 | first time p99 | first time max |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results["steps"].items():
        for s in (s for s in found if s["batch"] == 1):
            cold = f"{s['cold_p50']:.1f} | {s['cold_p99']:.0f} | {s['cold_max']:.0f}"
            lines.append(f"| {s['phrases']:,} | {name} | {s['p50']:.1f} | {s['p99']:.1f} | {cold} |")
    lines += ["", "Goal: at most 20 (p50) and 200 (p99) in steady state, flat.", "", "Whole batches, p50 / p99:", ""]
    lines += ["| phrases | vocabulary | 16 rows | 64 rows |", "|---|---|---|---|"]
    for name, found in results["steps"].items():
        for size in dict.fromkeys(s["phrases"] for s in found):
            batches = {s["batch"]: s for s in found if s["phrases"] == size}
            shown = " | ".join(f"{batches[b]['p50']:.0f} / {batches[b]['p99']:.0f}" for b in (16, 64))
            lines.append(f"| {size:,} | {name} | {shown} |")
    lines += ["", "## Throughput under always-on phrases / unrestricted, same engine (goal 0.97 at batch 16 and 64)", ""]
    lines += ["| phrases | vocabulary | batch 1 | batch 16 | batch 64 |", "|---|---|---|---|---|"]
    for name, found in results["throughput"].items():
        for size, ratios in found["ratio"].items():
            lines.append(f"| {size:,} | {name} | " + " | ".join(f"{ratios[b]:.3f}" for b in (1, 16, 64)) + " |")
        # The small form starts no engine without the guard.
        if idle := found["idle_ratio"]:
            lines.append(f"| none (processor idle) | {name} | " + " | ".join(f"{idle[b]:.3f}" for b in (1, 16, 64)) + " |")
        for size, ratios in found["bad_words"].items():
            lines.append(f"| {size} bad_words of vLLM | {name} | " + " | ".join(f"{ratios[b]:.3f}" for b in (1, 16, 64)) + " |")
    lines += ["", "The idle row compares two engines, with and without the processor (goal 0.99).", "", "## Compiling", ""]
    lines += ["| phrases | seconds from texts | bytes per phrase byte | nodes | seconds to load |", "|---|---|---|---|---|"]
    for cost in results["compiled"]["131k"]:
        lines.append(
            f"| {cost['phrases']:,} | {cost['seconds']:.3f} | {cost['bytes_per_phrase_byte']:.1f} "
            f"| {cost['nodes']:,} | {cost['load_s']:.4f} |"
        )
    lines += [
        "",
        "Goal: 100,000 in at most 1 s, at most 100 bytes per phrase byte.",
        "",
        "## Rivals, one row's step, median microseconds",
        "",
    ]
    lines += [
        "| rival | vocabulary | " + " | ".join(("10", "100", "128", "1,000", "10,000")) + " |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results["rivals"].items():
        for rival, measured in found.items():
            at = {one["phrases"]: one for one in measured}
            shown = [_cell(at.get(n)) for n in (10, 100, 128, 1000, 10000)]
            lines.append(f"| {rival} | {name} | " + " | ".join(shown) + " |")
    lines += [
        "",
        "\\* scaled up from a part of the vocabulary. vLLM takes at most 128 token sequences, two for most phrases: larger",
        "figures are with the limit lifted. GUARD's figure is matching alone, for its seven beams together, without the",
        "model's pass; it was not run beyond 1,000 phrases, where preparing it takes minutes.",
        "",
        f"![step cost]({date}.png)",
        "",
    ]
    return "\n".join(lines)


def _cell(measured: dict[str, Any] | None) -> str:
    return f"{measured['median_us']:,.0f}{'*' if measured.get('estimated') else ''}" if measured else ""


def write(results: dict[str, Any], date: str, folder: Path) -> Path:
    """Write the record of one run into `folder` and return the table's path."""
    folder.mkdir(exist_ok=True)
    (folder / f"{date}.json").write_text(json.dumps(results, indent=1) + "\n")
    plot(results, folder / f"{date}.png")
    path = folder / f"{date}.md"
    path.write_text(table(results, date))
    return path
