"""Measures one seed: TOFU's table and the probes beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.answers.systems import NONE
from evaluation.books.builder import build
from evaluation.books.corpus import ALICE
from evaluation.books.run import WAYS
from evaluation.books.run import Run as Reading
from evaluation.data import TOFU
from evaluation.evidence.models import Models
from evaluation.scenarios.probes import Sample, first_server, second_server
from evaluation.scenarios.run import Run as Probing
from evaluation.tofu import aside
from evaluation.tofu.policy import ABSTAIN
from evaluation.tofu.records import load
from evaluation.tofu.results import results
from evaluation.tofu.run import RETAIN, Effort, Run

PROBES = "probes"
SCENARIOS = ("forget10", "forget05", "forget01", PROBES, ALICE)
"""What is asked: TOFU's three sets, `evaluation.scenarios`, and a book."""


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        scenarios: Of `SCENARIOS`.
        systems: The systems of TOFU's table, beside no guard and the retain model.
        effort: How much TOFU's table asks.
        sample: How much the probes ask.
        data: TOFU's files, for TOFU's table.
    """

    scenarios: Sequence[str]
    systems: Sequence[str]
    effort: Effort
    sample: Sample
    data: Path = TOFU


def measure(seed: Models, asked: Asked, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Measure what is missing of a seed, and return its figures: [scenario][system][metric].

    The book is left out where its models are not trained.

    Args:
        seed: The models.
        asked: What is measured.
        folder: Where parts are kept, in folders of their own.

    Raises:
        FileNotFoundError: TOFU's files are missing.
        EngineFailure: The server did not answer.
    """
    kept = folder / "eval" / seed.whole.name[:12]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for scenario in asked.scenarios:
        if scenario == PROBES:
            found |= _probes(seed, asked, kept)
        elif scenario == ALICE:
            if seed.book:
                found[ALICE] = _book(seed.book, folder / "eval" / seed.book[0].name[:12])
        else:
            found[scenario] = _table(seed, asked, kept, scenario)
    return found


def _table(seed: Models, asked: Asked, folder: Path, scenario: str) -> dict[str, dict[str, float]]:
    systems = [NONE, RETAIN, *asked.systems, *(seed.trained if scenario == "forget10" else ())]
    folders = {NONE: seed.whole, RETAIN: seed.retain, **seed.trained}
    records = load(scenario, asked.data, asked.effort.every)
    run = Run(folders, scenario, records, asked.effort, folder / scenario, systems, asked.data)
    asyncio.run(run.go())
    aside.measure(run)
    beside = aside.figures(run)
    return {system: {**found, **beside[system]} for system, found in results(run).items()}


def _probes(seed: Models, asked: Asked, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    records = load(asked.sample.forget, asked.sample.data)
    servers = [list(first_server(records, asked.sample)), list(second_server(records, asked.sample))]
    run = Probing(seed.whole, servers, asked.effort.tokens, folder / PROBES)
    asyncio.run(run.go())
    return {name: _by_system(figures) for name, figures in run.figures().items()}


def _book(models: tuple[Path, Path], folder: Path) -> dict[str, dict[str, float]]:
    whole, retain = models
    run = Reading({NONE: whole, RETAIN: retain}, build(), WAYS, folder / ALICE)
    asyncio.run(run.go())
    return run.figures()


def _by_system(figures: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return a probe's figures by system: what was measured without the guard is that of the system without one."""
    free = {"leak": figures["leak unguarded"]} if "leak unguarded" in figures else {}
    return {NONE: free, ABSTAIN: {name: value for name, value in figures.items() if name != "leak unguarded"}}
