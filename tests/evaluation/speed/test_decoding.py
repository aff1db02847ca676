from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.demo import load_demo
from evaluation.speed import decoding


def test_a_larger_set_of_phrases_holds_the_smaller_one() -> None:
    assert decoding.texts(20)[:10] == decoding.texts(10)
    assert len(set(decoding.texts(20))) == 20


def test_the_text_is_a_novel_or_else_the_demos_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BOOKS", tmp_path)
    answers = decoding.spoken()
    assert answers.count(load_demo().pairs[0].answer) == 20
    (tmp_path / "sherlock_holmes.txt").write_text("é" * 200_000, encoding="utf-8")
    assert decoding.spoken() == "é" * 150_000
