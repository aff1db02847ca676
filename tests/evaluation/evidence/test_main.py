from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluation.evidence import __main__ as evidence
from evaluation.evidence import measuring, remote
from evaluation.evidence import models as trained
from evaluation.evidence.models import Models, NoModel
from tests.evaluation.evidence.tables import OURS, TOLD, UNSEEN


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """Nothing is measured: what would be is kept instead."""
    given: list[Any] = []

    def measure(seed: Models, asked: Any, folder: Path) -> dict[str, Any]:
        given.append((seed, asked, folder))
        return {"forget10": {"none": TOLD, "retain": UNSEEN, "abstain": OURS}}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measuring, "measure", measure)
    monkeypatch.setattr(trained, "models", lambda seed, **_: Models(Path(f"whole {seed}"), Path(f"retain {seed}")))
    return given


def test_each_seed_is_measured_and_the_report_is_written(
    made: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evidence.main(["--seeds", "0", "2", "--systems", "mask", "--scenarios", "forget10", "--every", "3"]) == 0
    assert [seed.whole.name for seed, _, _ in made] == ["whole 0", "whole 2"]
    (_, asked, folder), _ = made
    assert (asked.scenarios, asked.systems, asked.effort.every, str(folder)) == (["forget10"], ["mask"], 3, "build")
    assert json.loads((tmp_path / "build" / "eval.json").read_text())["forget10"]["abstain"]["leak"]["seeds"] == 2
    assert "models of seed 0, 2" in (tmp_path / "build" / "eval.html").read_text()
    assert "| abstain |" in capsys.readouterr().out


def test_models_of_ones_own(made: list[Any], tmp_path: Path) -> None:
    assert evidence.main(["--model", "a", "--retain", "b", "--trained", "npo=c"]) == 0
    assert made[0][0] == Models(tmp_path / "a", tmp_path / "b", {"npo": tmp_path / "c"})


def test_tofu_from_the_hub(made: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(evidence, "from_hub", lambda: Path("fetched"))
    assert evidence.main(["--hub"]) == 0
    assert made[0][1].data == made[0][1].sample.data == Path("fetched")

    def unreachable() -> Path:
        raise OSError("the hub cannot be reached")

    monkeypatch.setattr(evidence, "from_hub", unreachable)
    assert evidence.main(["--hub"]) == 1
    assert "guard-eval: the hub cannot be reached" in capsys.readouterr().err


def test_a_model_that_is_not_trained_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(seed: int, **_: Any) -> Models:
        raise NoModel(f"the model of seed {seed} is not trained")

    monkeypatch.setattr(trained, "models", missing)
    assert evidence.main([]) == 1
    assert "the model of seed 0 is not trained" in capsys.readouterr().err


def test_a_server_of_somebody_else(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("evaluation.tofu.records.load", lambda **_: {"forget": []})
    monkeypatch.setattr(remote, "measured", lambda url, name, _records, tokens: {"leak": 0.5, url: tokens})
    assert evidence.main(["--base-url", "http://there/v1", "--name", "m", "--tokens", "9"]) == 0
    assert json.loads(capsys.readouterr().out) == {"leak": 0.5, "http://there/v1": 9}

    def refuses(*_: Any) -> dict[str, float]:
        raise remote.NoAnswer("http://there/v1 answered with status 404")

    monkeypatch.setattr(remote, "measured", refuses)
    assert evidence.main(["--base-url", "http://there/v1", "--name", "m"]) == 1
    assert "status 404" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "whole"], "--model and --retain belong together"),
        (["--trained", "npo=c"], "--model and --retain belong together"),
        (["--model", "a", "--retain", "b", "--trained", "npo"], "give NAME=FOLDER"),
        (["--model", "a", "--retain", "b", "--trained", "mask=folder"], "none of none, retain"),
        (["--base-url", "http://there"], "--base-url and --name belong together"),
        (["--systems", "beam"], "no such name: beam"),
        (["--scenarios", "forget99"], "no such name: forget99"),
    ],
)
def test_what_cannot_be_is_an_error(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        evidence.main(arguments)
    assert said in capsys.readouterr().err
