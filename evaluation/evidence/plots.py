"""The plots of the report, as SVG: forgetting against utility, leak by attack, targets one after another, cost."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evaluation.answers.systems import NONE
from evaluation.evidence.summary import Table
from evaluation.scenarios.probes import ONE_BY_ONE
from evaluation.tofu.policy import ABSTAIN, WAYS
from evaluation.tofu.run import RETAIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS = "guard-server"
"""How the name of this server's bar begins."""
_OURS, _MODELS, _RIVALS = "#1b6ca8", "#444444", "#c8553d"


def forget_against_utility(table: Table, scenario: str) -> str:
    """Return a point for each system: what it tells of what is to be forgotten, and what it still knows of the rest."""
    figure, axes = _figure()
    points = {name: found for name, found in table[scenario].items() if {"leak", "utility"} <= found.keys()}
    taken: list[tuple[float, float]] = []
    for name, found in sorted(points.items(), key=lambda one: (one[1]["leak"]["mean"], one[1]["utility"]["mean"])):
        colour = _OURS if name in WAYS else _MODELS if name in (NONE, RETAIN) else _RIVALS
        x, y = 100 * found["leak"]["mean"], found["utility"]["mean"]
        axes.scatter([x], [y], color=colour, s=36, zorder=3)
        # Names of points that lie together are written one below the other.
        beside = sum(abs(x - a) < 6 and abs(y - b) < 0.06 for a, b in taken)
        axes.annotate(name, (x, y), xytext=(6, 3 - 11 * beside), textcoords="offset points", fontsize=8, color=colour)
        taken.append((x, y))
    axes.set(xlabel="answers that tell the fact, %", ylabel="model utility", title=f"{scenario}: to the left and high is better")
    axes.margins(x=0.16)  # room for the names
    axes.set_ylim(0, 1)
    return _svg(figure)


def leak_by_attack(kinds: Mapping[str, Mapping[str, Any]], most: int = 30) -> str:
    """Return bars of the kinds of attack that get most out without a guard, and what they get with it."""
    chosen = sorted(kinds, key=lambda kind: (kinds[kind]["success"], kinds[kind]["unguarded"] or 0))[-most:]
    figure, axes = _figure(7.2, 0.21 * len(chosen) + 1)
    rows = range(len(chosen))
    axes.barh(rows, [100 * (kinds[kind]["unguarded"] or 0) for kind in chosen], color="#dddddd", label="without the guard")
    axes.barh(rows, [100 * kinds[kind]["success"] for kind in chosen], color=_OURS, height=0.5, label="with it")
    axes.set_yticks(rows, chosen, fontsize=7)
    axes.set(xlabel="attacks that get a fact out, %")
    axes.legend(fontsize=8, loc="lower right")
    return _svg(figure)


def one_by_one(table: Table) -> str:
    """Return what leaks and what stays unchanged while targets are added one after another."""
    steps = sorted(int(name.partition("/")[2]) for name in table if name.startswith(f"{ONE_BY_ONE}/"))
    figure, axes = _figure()
    for metric, title, colour in (
        ("leak", "told, of what is forgotten", _RIVALS),
        ("unchanged kept", "unchanged, of the rest", _OURS),
        ("flagged kept", "false alarms, of the rest", _MODELS),
    ):
        values = [100 * table[f"{ONE_BY_ONE}/{step}"][ABSTAIN][metric]["mean"] for step in steps]
        axes.plot(steps, values, marker="o", color=colour, label=title)
    axes.set(xlabel="targets", ylabel="% of the answers", title="Targets one after another", ylim=(-3, 103), xticks=steps)
    axes.legend(fontsize=8)
    return _svg(figure)


def cost(seconds: Mapping[str, float]) -> str:
    """Return bars of what a method adds to one step of decoding, in microseconds on a logarithmic scale."""
    figure, axes = _figure(6, 0.45 * len(seconds) + 1)
    names = sorted(seconds, key=lambda name: seconds[name])
    axes.barh(names, [seconds[name] for name in names], color=[_OURS if name.startswith(OURS) else _RIVALS for name in names])
    axes.set_xscale("log")
    for row, name in enumerate(names):
        axes.text(seconds[name], row, f" {seconds[name]:,.0f}", va="center", fontsize=8)
    axes.set(xlabel="microseconds a step, logarithmic", xlim=(1, max(seconds.values()) * 40))
    return _svg(figure)


def _figure(width: float = 6.4, height: float = 4.2) -> tuple[Figure, Any]:
    # Not pyplot: it would keep each figure in this process.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    text = written.getvalue()
    return text[text.index("<svg") :]
