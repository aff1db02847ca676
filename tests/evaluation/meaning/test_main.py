"""The command that measures words near anchors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from evaluation.meaning import __main__ as command
from evaluation.meaning.measure import compared
from tests.classifiers.meaning.test_neighbours import Angles


def test_it_prints_tables_and_writes_the_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: ("bleaching", "garden"))
    monkeypatch.setattr(command, "SentenceEncoder", lambda: Angles(bleach=0, bleaching=20, garden=90))
    monkeypatch.setattr(
        command, "innocent", lambda small: {"novels": [compared("a garden"), compared("the bleach")]} if small else {}
    )
    subjects = [subject for subject in command.know_how() if subject.target.id == "chlorine-gas"]
    only = {"words": ["bleach"]}
    target = subjects[0].target.model_validate({**subjects[0].target.model_dump(), "semantic": only})
    subjects = [type(subjects[0])(target, [compared("a bleaching")], [])]
    monkeypatch.setattr(command, "know_how", lambda: subjects)
    monkeypatch.setattr(command, "persons", lambda most: subjects)
    monkeypatch.setattr(sys, "argv", ["meaning", "--small"])
    command.main()
    written = json.loads((tmp_path / "build" / "small" / "meaning.json").read_text())
    assert written["know-how"] == written["persons"]
    assert written["persons"]["delta 0.7"] == {"banned": 3, "words": 1, "paraphrases": 1, "novels": 0.5}
    assert written["persons"]["anchors"]["paraphrases"] == 0
    assert "know-how" in capsys.readouterr().out
