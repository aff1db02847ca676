from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.answers import serving
from evaluation.answers.systems import FILTER, NONE
from evaluation.data import TOFU, missing
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.run import RETAIN, Effort, Run

RECORDS = {
    FORGET: [Record("Who?", "He.", "It is he.", ("It is she.",))],
    "retain": [Record("Where?", "Here.", "Here.", ("There.",))],
}
PARTS = {"answers": ["He."], "flagged": [True], "held": [["digest"]], "likely": [[[-1.0], [-2.0], [-3.0, -1.0]]]}


def run(folder: Path, tokens: int = 8, systems: tuple[str, ...] = (NONE, RETAIN)) -> Run:
    models = {NONE: folder / "whole", RETAIN: folder / "retain"}
    return Run(models, "forget01", RECORDS, Effort(tokens, authors=1), folder / "parts", systems)


def filled(made: Run, system: str) -> None:
    for name in RECORDS:
        for part, value in PARTS.items():
            made.parts[system][f"{part} {name}"] = value


async def test_what_is_measured_is_not_measured_again(tmp_path: Path) -> None:
    for system in (NONE, RETAIN):
        filled(run(tmp_path), system)
    again = run(tmp_path)
    await again.go()  # the models do not exist: nothing may be started
    (one,) = again.scored(NONE)[FORGET]
    assert (one.answer, one.right, one.reworded, one.wrong) == ("He.", (-1.0,), (-2.0,), ((-3.0, -1.0),))
    assert again.flagged(NONE) == {FORGET: 1.0, "retain": 1.0}


def test_answers_of_another_length_are_asked_for_again(tmp_path: Path) -> None:
    filled(run(tmp_path), NONE)
    assert f"answers {FORGET}" in run(tmp_path).parts[NONE]
    assert f"answers {FORGET}" not in run(tmp_path, tokens=9).parts[NONE]


async def test_the_model_that_is_missing_is_started_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def demo_server(model: str, *_: Any) -> Any:
        started.append(Path(model).name)
        raise OSError("there is no such model")

    monkeypatch.setattr(serving, "demo_server", demo_server)
    made = run(tmp_path)
    monkeypatch.setattr(made, "_policy", lambda system: {"version": 1})
    filled(made, NONE)
    with pytest.raises(OSError, match="no such model"):
        await made.go()
    assert started == ["retain"]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_a_guarded_system_depends_on_the_policy_and_the_code(tmp_path: Path) -> None:
    made = run(tmp_path, systems=("mask", "refuse"))
    mask, refuse = (made._setup(system, "code") for system in ("mask", "refuse"))
    assert mask["policy"] != refuse["policy"]
    assert mask["code"] == "code"
    assert run(tmp_path)._setup(NONE, "code")["code"] == ""


async def test_the_filter_cuts_what_the_model_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run(tmp_path, systems=(NONE, FILTER))
    monkeypatch.setattr(made, "_policy", lambda system: {"targets": [{"name": "Ann", "phrases": [{"text": "old keeper"}]}]})
    filled(made, NONE)
    made.parts[NONE][f"answers {FORGET}"] = ["It is the old keeper of it."]
    await made.go()
    assert made.parts[FILTER][f"answers {FORGET}"] == ["It is the"]
    assert made.parts[FILTER]["likely retain"] == PARTS["likely"]
