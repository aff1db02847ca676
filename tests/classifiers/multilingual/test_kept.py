"""Vectors that are kept in a file: not encoded twice, private, and whole after a kill."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifiers.multilingual.kept import KeptEncoder
from tests.classifiers.conftest import BagOfWords


class Counting(BagOfWords):
    """Counts the texts that it encodes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode(self, texts):  # type: ignore[no-untyped-def]
        self.texts += texts
        return super().encode(texts)


def test_a_text_is_encoded_once_and_its_vector_outlives_the_process(tmp_path: Path) -> None:
    file = tmp_path / "names"
    encoder = Counting()
    kept = KeptEncoder(encoder, file)
    first = kept.encode(["ada", "bob", "ada"])
    assert sorted(encoder.texts) == ["ada", "bob"]
    np.testing.assert_allclose(first, BagOfWords().encode(["ada", "bob", "ada"]), atol=1e-3)
    again = Counting()
    np.testing.assert_array_equal(KeptEncoder(again, file).encode(["bob", "ada"]), first[[1, 0]])
    assert again.texts == []
    assert file.stat().st_mode & 0o077 == 0
    assert b"ada" not in file.read_bytes()


def test_what_is_no_longer_needed_goes_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "names"
    kept = KeptEncoder(Counting(), file)
    kept.encode(["ada", "bob"])
    size = file.stat().st_size
    kept.keep(["bob", "eve"])
    assert file.stat().st_size == size // 2
    again = Counting()
    KeptEncoder(again, file).encode(["ada", "bob"])
    assert again.texts == ["ada"]


def test_the_torn_end_of_a_file_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "names"
    KeptEncoder(Counting(), file).encode(["ada", "bob"])
    file.write_bytes(file.read_bytes()[:-3])
    again = Counting()
    kept = KeptEncoder(again, file)
    kept.encode(["ada", "bob"])
    assert len(again.texts) == 1
    last = Counting()
    KeptEncoder(last, file).encode(["ada", "bob"])
    assert last.texts == []


def test_another_encoder_finds_nothing_of_the_first(tmp_path: Path) -> None:
    class Other(Counting):
        fingerprint = "another"  # type: ignore[assignment]

    file = tmp_path / "names"
    KeptEncoder(Counting(), file).encode(["ada"])
    other = Other()
    KeptEncoder(other, file).encode(["ada"])
    assert other.texts == ["ada"]


def test_without_a_file_it_keeps_in_memory() -> None:
    encoder = Counting()
    kept = KeptEncoder(encoder, None)
    kept.encode(["ada"])
    kept.keep(["ada"])
    kept.encode(["ada"])
    assert encoder.texts == ["ada"]
    assert kept.encode([]).shape == (0, encoder.dimension)
    assert kept.fingerprint == encoder.fingerprint
