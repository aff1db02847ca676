from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.answers import partial
from evaluation.answers.partial import Partial, fingerprint


def test_parts_are_kept_for_the_same_setup_alone(tmp_path: Path) -> None:
    path = tmp_path / "mask.json"
    first = Partial(path, {"tokens": (1, 2)})
    assert "answers" not in first
    first["answers"] = [{"text": "é"}]
    again = Partial(path, {"tokens": [1, 2]})
    assert again["answers"] == [{"text": "é"}]
    assert "answers" not in Partial(path, {"tokens": [1, 3]})
    assert [file.name for file in tmp_path.iterdir()] == ["mask.json"]


def test_a_change_of_the_code_changes_the_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "__file__", str(tmp_path / "a" / "b" / "partial.py"))
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "x.py").write_text("1")
    before = fingerprint(["guard"])
    assert fingerprint(["guard"]) == before
    (tmp_path / "guard" / "x.py").write_text("2")
    assert fingerprint(["guard"]) != before


def test_several_parts_are_kept_at_once(tmp_path: Path) -> None:
    Partial(tmp_path / "one.json", {}).update({"answers": ["a"], "times": [1.5]})
    again = Partial(tmp_path / "one.json", {})
    assert (again["answers"], again["times"]) == (["a"], [1.5])
