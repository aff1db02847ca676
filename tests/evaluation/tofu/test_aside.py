"""Fluency and PrivLeak, by hand and with a small model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from classifiers.answering import SAY
from evaluation.answers.systems import NONE
from evaluation.data import TOFU, missing, tofu
from evaluation.tinylm.model import train
from evaluation.tofu import aside
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.run import RETAIN
from evaluation.tofu.table import Scored
from tests.evaluation.tinylm.tiny import PAIRS, TINY

ROWS = [Record(pair.question, pair.answer, pair.answer, ("Nobody.",)) for pair in PAIRS[:3]]
BAN = -math.inf


class Done:
    """A run whose table is measured: the answers of three systems to three questions, of which "mask" has two."""

    def __init__(self, folder: Path, parts: dict[str, dict[str, Any]] | None = None) -> None:
        self.data, self.records = TOFU, {FORGET: ROWS}
        self.models = {NONE: folder, RETAIN: folder}
        self.parts = parts if parts is not None else {name: {f"answers {FORGET}": said} for name, said in ANSWERS.items()}

    def rows(self, system: str) -> dict[str, list[Record]]:
        return {FORGET: ROWS[::2] if system == "mask" else ROWS}

    def scored(self, system: str) -> dict[str, list[Scored]]:
        right = {NONE: -0.1, RETAIN: -3.0, "mask": BAN}[system]
        return {FORGET: [Scored("", (right, right), (right,), ((-1.0,),)) for _ in self.rows(system)[FORGET]]}


ANSWERS = {
    NONE: [pair.answer for pair in PAIRS[:3]],
    RETAIN: ["Nobody knows.", "Nobody.", "No."],
    "mask": [f"{PAIRS[0].answer} {SAY}", SAY],
}


def test_fluency_is_of_the_same_questions() -> None:
    parts: dict[str, dict[str, Any]] = {
        NONE: {aside.FLUENCY: [[-2.0, 2], [-90.0, 1], [-4.0, 2]]},
        RETAIN: {aside.FLUENCY: [[-4.0, 2], [-90.0, 1], [-8.0, 2]]},
        "mask": {aside.FLUENCY: [[-8.0, 2], [0.0, 0]]},
    }
    for name in (NONE, RETAIN):
        parts[name][aside.HELD_OUT] = [[-3.0, -3.0], [-2.0, -2.0]]
    run: Any = Done(Path(), parts)
    found = aside.figures(run)
    assert found[NONE]["fluency"] == 1
    assert found[RETAIN]["fluency"] == pytest.approx(96 / 102)
    # The second answer of "mask" has no text of the model, so only the first counts: -1 and -4 a token.
    assert found["mask"]["fluency"] == pytest.approx(1 / 4)


def test_privleak_compares_with_the_retain_model() -> None:
    held = {aside.FLUENCY: [[-1.0, 1]] * 3, aside.HELD_OUT: [[-3.0, -3.0], [-2.0, -2.0], [-4.0, -4.0]]}
    run: Any = Done(Path(), {NONE: held, RETAIN: held, "mask": {aside.FLUENCY: [[-1.0, 1]] * 2}})
    found = aside.figures(run)
    # Of -3, -2 and -4 against -3: one tie and one above, so 0.5. Against -0.1 none is above, against a ban all are.
    assert found[RETAIN]["privleak"] == 0
    assert found[NONE]["privleak"] == pytest.approx(-100)
    assert found["mask"]["privleak"] == pytest.approx(100)


def test_privleak_is_left_out_where_it_is_not_defined() -> None:
    low = {aside.FLUENCY: [[-1.0, 1]] * 3, aside.HELD_OUT: [[-9.0, -9.0]]}
    run: Any = Done(Path(), {NONE: low, RETAIN: low})
    assert all("privleak" not in found for found in aside.figures(run).values())


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_held_out_questions_are_not_learned() -> None:
    run: Any = Done(Path())
    new = aside.held_out(run)
    learned = {line["question"] for line in tofu("retain_perturbed")} | {line["question"] for line in tofu("forget10")}
    assert len(new) == 3
    assert learned.isdisjoint(pair.question for pair in new)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_what_is_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(PAIRS, tmp_path / "model", TINY)
    run: Any = Done(tmp_path / "model")
    aside.measure(run)
    assert [count for _, count in run.parts["mask"][aside.FLUENCY]][1] == 0
    assert run.parts["mask"][aside.FLUENCY][0] == run.parts[NONE][aside.FLUENCY][0]  # what the server put there is no text
    assert aside.HELD_OUT not in run.parts["mask"]
    found = aside.figures(run)
    assert found[NONE]["fluency"] == found["mask"]["fluency"] == 1
    monkeypatch.setattr(aside, "Likelihood", None)
    monkeypatch.setattr(aside, "TokenLikelihood", None)
    aside.measure(run)
