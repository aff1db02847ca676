from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.data import TOFU, missing
from evaluation.finetuned.__main__ import NOT_DONE, main

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.slow
@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_a_run_whose_minutes_are_over_goes_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    arguments = ["--base", str(base), "--forget", "forget01", "--most", "2", "--epochs", "2", "--seed", "3"]
    assert main([*arguments, "--minutes", "0"]) == NOT_DONE
    assert "goes on" in capsys.readouterr().err
    assert main(arguments) == 0
    out, error = capsys.readouterr()
    assert (Path(out.strip()) / "model.safetensors").is_file()
    assert set(json.loads(error.splitlines()[-1])["exact"]) == {"forget", "retain", "real_authors", "world_facts"}


def test_a_folder_without_tofu_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert "is missing" in capsys.readouterr().err


def test_unlearning_needs_a_model_that_knows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--unlearn", "npo"])
    assert "--unlearn needs --base" in capsys.readouterr().err
