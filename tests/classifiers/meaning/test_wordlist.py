"""The word list and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.meaning.encoder import EncoderError
from classifiers.meaning.wordlist import WordList, listed_words
from classifiers.semantic import exempt
from guard.folding import fold
from tests.server.fakes import WordEncoder

WORDS = ("wizard", "magician", "garden")


class Counting(WordEncoder):
    def __init__(self, fingerprint: str = "counting") -> None:
        super().__init__()
        self.fingerprint = fingerprint
        self.texts = 0

    def encode(self, texts: Any) -> Any:
        self.texts += len(texts)
        return super().encode(texts)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: WORDS)


def test_the_list_has_many_folded_words_and_none_that_is_exempt() -> None:
    words = listed_words()
    assert 90_000 < len(words) == len(set(words))
    assert {"wizard", "wizardry", "hydrochloric"} <= set(words)
    assert not any(exempt(word) or fold(word).strip() != word for word in words[::100])


def test_words_are_encoded_once_per_encoder(tmp_path: Path, short: None) -> None:
    encoder, shown = Counting(), []
    made = WordList.cached(encoder, tmp_path, lambda done, total: shown.append((done, total)))
    assert (made.words, made.row["garden"], encoder.texts, shown) == (WORDS, 2, 3, [(3, 3)])
    assert np.abs(made.vectors - encoder.encode(WORDS)).max() < 0.001
    again = WordList.cached(Counting(), tmp_path)
    assert (again.vectors == made.vectors).all()
    assert encoder.texts == 6
    other = Counting("another")
    WordList.cached(other, tmp_path)
    assert other.texts == 3
    assert len(list(tmp_path.iterdir())) == 2


def test_a_damaged_file_and_one_of_another_list_are_replaced(
    tmp_path: Path, short: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    WordList.cached(Counting(), tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"no such file")
    encoder = Counting()
    WordList.cached(encoder, tmp_path)
    assert encoder.texts == 3
    assert "made again" in caplog.text
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: ("other",))
    assert WordList.cached(encoder, tmp_path).words == ("other",)
    assert encoder.texts == 4


def test_vectors_must_be_finite(tmp_path: Path, short: None) -> None:
    class Broken(WordEncoder):
        def encode(self, texts: Any) -> Any:
            return super().encode(texts) * np.nan

    with pytest.raises(EncoderError, match="not finite"):
        WordList.cached(Broken(), tmp_path)
    assert list(tmp_path.iterdir()) == []
