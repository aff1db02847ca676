from __future__ import annotations

import re
from itertools import combinations
from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

from evaluation.evidence import plots
from tests.evaluation.evidence.tables import table


def texts(svg: str) -> str:
    """The texts of a plot: its letters are paths, and each text is in a comment before them."""
    return "\n".join(re.findall(r"<!-- (.*?) -->", svg))


def test_each_system_is_a_point_with_its_name() -> None:
    svg = plots.forget_against_utility(table(), "forget10")
    assert svg.startswith("<svg")
    assert {"none", "retain", "prompt", "abstain", "rephrase"} <= set(texts(svg).splitlines())


def test_labels_of_points_that_lie_together_do_not_overlap() -> None:
    figure = Figure()
    axes = figure.add_subplot()
    beside: dict[str, Any] = {"xytext": (8, 3), "textcoords": "offset points", "arrowprops": {"arrowstyle": "-"}}
    labels = [axes.annotate(f"system {n}", (0.5, 0.5 + n / 1000), **beside) for n in range(5)]
    plots.set_apart(figure, labels)
    extents = [Text.get_window_extent(label) for label in labels]
    assert not any(one.overlaps(other) for one, other in combinations(extents, 2))


def test_the_kinds_of_attack_that_get_most_out() -> None:
    kinds = {f"kind {number}": {"success": number / 100, "unguarded": 0.5} for number in range(12)}
    kinds["silent"] = {"success": 0.0, "unguarded": None}
    shown = texts(plots.leak_by_attack(kinds, most=3)).splitlines()
    assert {"kind 11", "kind 10", "kind 9"} <= set(shown)
    assert not {"kind 8", "silent"} & set(shown)


def test_targets_one_after_another() -> None:
    shown = texts(plots.one_by_one(table()))
    assert "Targets one after another" in shown
    assert "unchanged, of the rest" in shown


def test_cost_is_logarithmic_and_in_order() -> None:
    shown = texts(plots.cost({"slow": 90_000.0, "guard-server": 20.0}))
    assert "90,000" in shown
    assert shown.index("guard-server") < shown.index("slow")
