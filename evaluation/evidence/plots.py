"""The plots of the report, as SVG: forgetting against utility, leak by attack, targets one after another, cost."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evaluation.answers.systems import NONE
from evaluation.evidence.summary import Table
from evaluation.scenarios.probes import ONE_BY_ONE
from evaluation.tofu.policy import ABSTAIN, WAYS
from evaluation.tofu.run import RETAIN

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

OURS = "guard-server"
"""How the name of this server's bar begins."""
_OURS, _MODELS, _RIVALS = "#1b6ca8", "#444444", "#c8553d"
# Where a label may be beside its point, in points: right of it, then farther and farther up and down.
_BESIDE = [(8.0, 3.0 + sign * 11 * step) for step in range(12) for sign in (1, -1)][1:]


def forget_against_utility(table: Table, scenario: str) -> str:
    """Return a point for each system: what it tells of what is to be forgotten, and what it still knows of the rest."""
    figure, axes = _figure()
    points = {name: found for name, found in table[scenario].items() if {"leak", "utility"} <= found.keys()}
    labels = []
    for name, found in sorted(points.items(), key=lambda one: (one[1]["leak"]["mean"], -one[1]["utility"]["mean"])):
        colour = _OURS if name in WAYS else _MODELS if name in (NONE, RETAIN) else _RIVALS
        place = 100 * found["leak"]["mean"], found["utility"]["mean"]
        axes.scatter(*place, color=colour, s=36, zorder=3)
        arrow = {"arrowstyle": "-", "color": colour, "lw": 0.5, "alpha": 0.6}
        label = axes.annotate(
            name, place, xytext=_BESIDE[0], textcoords="offset points", fontsize=8, color=colour, arrowprops=arrow
        )
        labels.append(label)
    axes.set(xlabel="answers that tell the fact, %", ylabel="model utility", title=f"{scenario}: to the left and high is better")
    axes.margins(x=0.16)  # room for the names
    axes.set_ylim(0, 1.3)  # room above the best for their names
    axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    set_apart(figure, labels)
    return _svg(figure)


def set_apart(figure: Figure, labels: Sequence[Annotation]) -> None:
    """Move each label to the first place beside its point, nearest first, where it lies on no label before it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # before this nothing has a place
    taken: list[Bbox] = []
    for label in labels:
        for offset in _BESIDE:
            label.set_position(offset)
            label.update_positions(canvas.get_renderer())
            extent = Text.get_window_extent(label, canvas.get_renderer())  # without the line to its point
            if not any(extent.overlaps(other) for other in taken):
                break
        taken.append(extent)


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
