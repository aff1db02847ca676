"""Figures over seeds: mean and spread of each, as JSON and as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TypedDict

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]
"""One seed's figures: [scenario][system][metric]."""


class Summary(TypedDict):
    """A figure over seeds.

    Attributes:
        mean: The mean.
        spread: The largest less the smallest; None of one seed.
        seeds: The number of seeds.
    """

    mean: float
    spread: float | None
    seeds: int


Table = dict[str, dict[str, dict[str, Summary]]]
"""[scenario][system][metric] over seeds."""


def summary(seeds: Sequence[Figures]) -> Table:
    """Return mean and spread of each figure, over the seeds that have it, in the order in which the figures come."""
    values: dict[str, dict[str, dict[str, list[float]]]] = {}
    for found in seeds:
        for scenario, systems in found.items():
            for system, figures in systems.items():
                held = values.setdefault(scenario, {}).setdefault(system, {})
                for metric, value in figures.items():
                    held.setdefault(metric, []).append(value)
    return {
        scenario: {system: {metric: _of(found) for metric, found in figures.items()} for system, figures in systems.items()}
        for scenario, systems in values.items()
    }


def _of(values: Sequence[float]) -> Summary:
    # Two infinities of one sign have no difference: they are the same.
    spread = 0.0 if len(set(values)) == 1 else max(values) - min(values)
    return {"mean": statistics.fmean(values), "spread": spread if len(values) > 1 else None, "seeds": len(values)}


def written(found: Summary | None) -> str:
    """Return a figure as a table has it: "0.912 ± 0.004", half the spread behind the sign; "–" where there is none."""
    if found is None or math.isnan(found["mean"]):
        return "–"
    spread = f" ± {found['spread'] / 2:.2g}" if found["spread"] else ""
    return f"{found['mean']:.3g}{spread}"


def markdown(table: Table, scenario: str, columns: Mapping[str, str]) -> str:
    """Return one scenario as a Markdown table: a row for each system, a column for each of these metrics with its title."""
    head = [f"| system | {' | '.join(columns.values())} |", f"|---|{'---|' * len(columns)}"]
    rows = [
        f"| {system} | {' | '.join(written(figures.get(metric)) for metric in columns)} |"
        for system, figures in table[scenario].items()
    ]
    return "\n".join([*head, *rows])
