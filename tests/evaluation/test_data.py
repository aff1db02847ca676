from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.data import BOOKS, DATA, TOFU, from_hub, missing, tekken_file, tofu
from tests.paths import ROOT


def test_the_data_lies_beside_the_repository() -> None:
    assert ROOT.parent / "shared" / "data" == DATA
    assert {TOFU.parent, BOOKS.parent} == {DATA}


def test_missing_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert missing(tmp_path) == ""
    gone = tmp_path / "tofu"
    monkeypatch.setattr("evaluation.data._HOW", {gone: "fetch it"})
    assert missing(gone) == f"{gone} is missing: fetch it"


def test_records_are_read_in_order_without_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"question": "A?"}\n\n{"question": "Grö\u2028ße?"}\n', encoding="utf-8")
    assert tofu("a", tmp_path) == [{"question": "A?"}, {"question": "Grö\u2028ße?"}]


def test_a_missing_file_is_an_error_that_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"forget10\.json is missing: put the JSON files of the dataset locuslab/TOFU"):
        tofu("forget10", tmp_path)


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_tofu_has_twenty_questions_per_author() -> None:
    assert len(tofu("retain90")) == 180 * 20
    assert tofu("forget10")[0].keys() == {"question", "answer"}


def test_tekken_comes_with_mistral_common(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tekken_file().stat().st_size > 1_000_000
    monkeypatch.setattr("evaluation.data.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install mistral-common"):
        tekken_file()


def test_the_hub_is_asked_for_the_benchmarks_files_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: list[object] = []

    def download(name: str, **others: object) -> str:
        asked.append((name, others))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert from_hub() == tmp_path
    assert asked == [("locuslab/TOFU", {"repo_type": "dataset", "allow_patterns": "*.json"})]
