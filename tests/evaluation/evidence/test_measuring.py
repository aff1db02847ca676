from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.data import TOFU
from evaluation.evidence import measuring as module
from evaluation.evidence.measuring import Asked, measure
from evaluation.evidence.models import Models
from evaluation.scenarios.probe import Probe, Question
from evaluation.scenarios.probes import Sample
from evaluation.tofu.run import Effort

SEED = Models(Path("models") / "0123456789abcdef", Path("retain"), {"npo": Path("forgot")})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is measured: what the runs are given is kept instead."""
    given: list[Any] = []

    class Run:
        def __init__(self, *arguments: Any) -> None:
            given.append(arguments)

        async def go(self) -> None:
            given.append("measured")

        def figures(self) -> dict[str, dict[str, float]]:
            return {"reworded": {"leak": 0.1, "leak unguarded": 0.9, "flagged": 1.0}, "at once/1": {"unchanged kept": 1.0}}

    monkeypatch.setattr(module, "Run", Run)
    monkeypatch.setattr(module, "Probing", Run)
    monkeypatch.setattr(module, "results", lambda run: {"none": {"leak": 1.0}})
    monkeypatch.setattr(module.aside, "measure", lambda run: given.append("aside"))
    monkeypatch.setattr(module.aside, "figures", lambda run: {"none": {"fluency": 1.0}})
    monkeypatch.setattr(module, "load", lambda *_: {"forget": []})
    monkeypatch.setattr(module, "Reading", Run)
    monkeypatch.setattr(module, "build", lambda: "muse")
    monkeypatch.setattr(module, "first_server", lambda *_: [Probe("reworded", {}, (Question("Who?"),))])
    monkeypatch.setattr(module, "second_server", lambda *_: [])
    return given


def test_each_scenario_is_measured_in_a_folder_of_its_model(made: list[Any], tmp_path: Path) -> None:
    found = measure(SEED, Asked(("forget10", "forget01", "probes"), ("mask",), Effort(), Sample()), tmp_path)
    assert list(found) == ["forget10", "forget01", "reworded", "at once/1"]
    assert found["reworded"] == {"none": {"leak": 0.9}, "abstain": {"leak": 0.1, "flagged": 1.0}}
    assert found["at once/1"] == {"none": {}, "abstain": {"unchanged kept": 1.0}}
    assert found["forget10"] == {"none": {"leak": 1.0, "fluency": 1.0}}
    (models, forget, _, _, folder, systems, data), done, aside, (_, forget01, _, _, _, fewer, _), *_ = made
    assert aside == "aside"
    assert data == TOFU
    assert (models["none"], models["npo"], forget, done) == (SEED.whole, Path("forgot"), "forget10", "measured")
    assert folder == tmp_path / "eval" / "0123456789ab" / "forget10"
    # A model that was trained to forget forget10 is compared there alone.
    assert (systems, forget01, fewer) == (["none", "retain", "mask", "npo"], "forget01", ["none", "retain", "mask"])


def test_a_book_is_measured_where_its_models_are(made: list[Any], tmp_path: Path) -> None:
    asked = Asked(("alice",), (), Effort(), Sample())
    assert measure(SEED, asked, tmp_path) == {}
    with_book = Models(SEED.whole, SEED.retain, {}, (Path("fedcba9876543210"), Path("unseen")))
    assert list(measure(with_book, asked, tmp_path)) == ["alice"]
    (models, muse, _, folder), _ = made
    assert (models, muse) == ({"none": Path("fedcba9876543210"), "retain": Path("unseen")}, "muse")
    assert folder == tmp_path / "eval" / "fedcba987654" / "alice"
