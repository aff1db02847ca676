"""The record of a soak run: JSON, a table, and a plot of memory over time."""

from __future__ import annotations

import json
import platform
import statistics
from pathlib import Path
from typing import Any

from evaluation.soak.memory import LIMIT, WARM_UP

FOLDER = Path(__file__).parent / "record"


def faults(results: dict[str, Any], *, judges_memory: bool = True) -> list[str]:
    """Return what breaks a promise: memory that grows, streams that are lost, answers with status 5xx, no hit at all."""
    found = []
    if judges_memory and results["growth"] > LIMIT:
        found.append(f"memory grew by {results['growth']:.1%} after the warm-up; the limit is {LIMIT:.0%}")
    if lost := results["ends"].get("lost", 0):
        found.append(f"{lost} streams were lost")
    if results["failures"]:
        found.append(f"{results['failures']} answers had a status of 5xx")
    if judges_memory and not results["hits"]:
        found.append("no answer was about to say what is banned, so the run shows nothing about such answers")
    return found


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown."""
    ends = ", ".join(f"{name} {count}" for name, count in sorted(results["ends"].items()))
    statuses = ", ".join(f"{name}: {count}" for name, count in sorted(results["statuses"].items()))
    longest = max((length for _, length in results["pauses_s"]), default=0.0)
    rows = {
        "minutes": f"{results['seconds'] / 60:.1f}",
        "clients": results["clients"],
        "phrases banned in every answer": f"{results['phrases']:,}",
        "changes of the policy": results["change_ms"]["count"],
        "a change, ms (median, p99)": " / ".join(f"{results['change_ms'].get(name, 0):.0f}" for name in ("p50", "p99")),
        "streams by their end": ends,
        "answers by status": statuses,
        "about a target, and cut short": f"{results['asked']}, {results['cut']}",
        "hits": results["hits"],
        "memory after the warm-up and at the end, MB": f"{results['memory_mb'][0]:.0f} / {results['memory_mb'][1]:.0f}",
        "growth": f"{results['growth']:.2%} (limit {LIMIT:.0%})",
        "machine": results["machine"],
        "this process was held up": f"{len(results['pauses_s'])} times, at most {longest:.1f} s",
        "load average (median)": f"{statistics.median(sample.get('load', 0.0) for sample in results['samples']):.1f}",
    }
    lines = [f"# Soak, {date}", "", "| what | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    lines += ["", *(f"- **{fault}**" for fault in results["faults"])] if results["faults"] else ["", "No fault."]
    return "\n".join([*lines, "", f"![memory over time]({date}.png)", ""])


def machine() -> str:
    """Return what kind of machine this is."""
    import psutil

    return f"{psutil.cpu_count()} cores, {psutil.virtual_memory().total / 1e9:.0f} GB, {platform.machine()}"


def plot(results: dict[str, Any], path: Path) -> None:
    """Draw the memory of each process, and of all together, over time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(10, 5))
    samples = results["samples"]
    minutes = [sample["seconds"] / 60 for sample in samples]
    axes.plot(minutes, [sample["total"] for sample in samples], "k-", label="all processes")
    # Some helpers live for a moment only.
    largest = sorted({name for sample in samples for name, size in sample["by_process"].items() if size > 50})
    for name in largest:
        axes.plot(minutes, [sample["by_process"].get(name, float("nan")) for sample in samples], label=name)
    axes.axvline(WARM_UP * results["seconds"] / 60, color="tab:grey", linestyle=":", label="end of the warm-up")
    axes.set(xlabel="minutes", ylabel="MB (proportional set size)", title="Memory of the server's processes")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def write(results: dict[str, Any], date: str, folder: Path) -> Path:
    """Write the record of one run into `folder`, and return the table's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{date}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    plot(results, folder / f"{date}.png")
    path = folder / f"{date}.md"
    path.write_text(table(results, date), encoding="utf-8")
    return path
