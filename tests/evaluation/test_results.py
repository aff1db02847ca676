from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from evaluation.results import add_small, results_folder


def test_small_figures_lie_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert results_folder() == Path("build")
    assert results_folder(small=True) == Path("build/small")
    assert (tmp_path / "build" / "small").is_dir()
    assert results_folder(small=True).is_dir()


def test_the_full_form_is_the_default() -> None:
    parser = ArgumentParser()
    add_small(parser)
    assert parser.parse_args([]).small is False
    assert parser.parse_args(["--small"]).small is True
