"""`python -m evaluation.detection` writes what was measured. The file of `__main__`."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import classifiers
from evaluation.detection import __main__, record
from server import environment
from tests.evaluation.detection.test_record import RESULTS

OF_PART = {
    "few": ("few",),
    "tofu": ("side_by_side", "without_operator", "promised", "extraction"),
    "attacks": ("attacks",),
    "splits": ("splits",),
    "growth": ("growth", "one_example"),
    "latency": ("latency",),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it runs; the measurements are replaced, and append their names to the file `asked`."""

    def measures(encoder: None, small: bool) -> dict[str, Callable[[], dict[str, Any]]]:
        def measured(part: str) -> dict[str, Any]:
            with (tmp_path / "asked").open("a") as asked:
                asked.write(f"{part}{' small' if small else ''}\n")
            return copy.deepcopy({name: RESULTS[name] for name in OF_PART[part]})

        return {part: lambda part=part: measured(part) for part in OF_PART}  # type: ignore[misc]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classifiers, "SentenceEncoder", lambda: None)
    monkeypatch.setattr(environment, "share_processor", lambda: None)
    monkeypatch.setattr(__main__, "_measures", measures)
    monkeypatch.setattr(record, "FOLDER", tmp_path / "record")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["detection", *arguments])
    __main__.main()


def asked(folder: Path) -> list[str]:
    return (folder / "asked").read_text().splitlines()


def written(folder: Path, build: str = "build") -> dict[str, Any]:
    results: dict[str, Any] = json.loads((folder / build / "detection.json").read_text())
    return results


@pytest.mark.slow
def test_without_a_record_everything_is_in_build(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch)
    found = written(folder)
    assert asked(folder) == list(__main__.PARTS)
    assert found["results"].pop("measured").keys() == set(__main__.PARTS)
    expected = record.keys({name: value for name, value in RESULTS.items() if name != "measured"})
    assert found == expected
    assert {path.name for path in (folder / "build").iterdir()} == {"detection.json", "latest.md", "latest.png"}
    assert capsys.readouterr().out == record.table(RESULTS, "latest") + "\n"
    assert not (folder / "record").exists()


@pytest.mark.slow
def test_a_record_is_kept_under_its_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--record", "today", "--only", "attacks", "few")
    only = {name: RESULTS[name] for name in ("few", "attacks")}
    assert (folder / "record" / "today.md").read_text() == record.table(only, "today")
    assert (folder / "record" / "today.png").is_file()


@pytest.mark.slow
def test_only_keeps_what_was_measured_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--only", "latency")
    before = written(folder)["results"]
    assert before.keys() == {"latency", "measured"}
    run(monkeypatch, "--only", "attacks")
    after = written(folder)["results"]
    assert after.keys() == {"latency", "attacks", "measured"}
    assert after["measured"]["latency"] == before["measured"]["latency"]
    assert asked(folder) == ["latency", "attacks"]
    # Everything anew, after which nothing old is left.
    (folder / "build" / "detection.json").write_text(json.dumps({"results": {"old": 1, "measured": {}}}))
    run(monkeypatch)
    assert "old" not in written(folder)["results"]


@pytest.mark.slow
def test_a_file_of_old_form_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "build").mkdir()
    (folder / "build" / "detection.json").write_text(json.dumps({"results": {"attacks": {"plain": 0.5}}}))
    run(monkeypatch, "--only", "latency")
    assert written(folder)["results"].keys() == {"latency", "measured"}


@pytest.mark.slow
def test_the_small_form_writes_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "--small", "--record", "--only", "few")
    assert asked(folder) == ["few small"]
    assert [path.name for path in (folder / "build").iterdir()] == ["small"]
    assert {path.name.partition(".")[2] for path in (folder / "build" / "small").iterdir()} == {"json", "md", "png"}
    assert not (folder / "record").exists()
