"""The packed encoder returns the vectors of the library, and leaves to the library what it cannot do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifiers import SentenceEncoder
from classifiers.meaning import packed as module
from classifiers.meaning.encoder import Vectors, bundled_model, unit_rows
from classifiers.meaning.packed import packed
from tests.classifiers.conftest import STRANGE

SENTENCES = ["Where was she born?", "In which town did she come into the world?", "How do I sort a list in Python?"]


def library(encoder: SentenceEncoder, texts: Sequence[str]) -> Vectors:
    """What sentence-transformers returns for the same weights: the reference of the packed way."""
    return unit_rows(np.asarray(encoder._model.encode(list(texts), show_progress_bar=False), np.float32))


TEXTS = [
    *(text[:1000] for text in STRANGE.values() if "\ud800" not in text),
    *SENTENCES,
    "so long that it is cut off " * 100,
    "漢字" * 300,
]


@pytest.mark.slow
def test_packed_vectors_are_those_of_the_library(real_encoder: SentenceEncoder) -> None:
    exact = SentenceEncoder(dtype="float32")
    assert exact._packed is not None
    reference = library(exact, TEXTS)
    np.testing.assert_allclose(exact.encode(TEXTS), reference, atol=1e-5)
    assert (np.einsum("ij,ij->i", real_encoder.encode(TEXTS), reference) > 0.999).all()


@pytest.mark.slow
def test_packed_vectors_do_not_depend_on_what_else_is_encoded(real_encoder: SentenceEncoder) -> None:
    together = real_encoder.encode(TEXTS * 3)
    for row, text in enumerate(TEXTS * 3):
        assert real_encoder.encode([text])[0] @ together[row] > 0.9999
    np.testing.assert_array_equal(together[: len(TEXTS)], together[-len(TEXTS) :])


def test_a_pass_has_few_numbers_of_pieces_and_little_more_than_it_needs() -> None:
    numbers = [module._rounded(pieces) for pieces in range(1, module._PIECES + 1)]
    assert len(set(numbers)) <= 64
    assert all(0 <= number - pieces < max(8, pieces / 4) for pieces, number in enumerate(numbers, start=1))
    assert numbers[-1] == module._PIECES


@pytest.mark.slow
def test_what_fills_up_a_pass_changes_no_vector(real_encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = [real_encoder.encode(TEXTS[:number]) for number in range(1, len(TEXTS))]
    monkeypatch.setattr(module, "_rounded", lambda pieces: pieces)
    for number, vectors in enumerate(filled, start=1):
        assert (np.einsum("ij,ij->i", real_encoder.encode(TEXTS[:number]), vectors) > 0.9999).all()


@pytest.mark.slow
def test_another_pooling_is_left_to_the_library(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bundled_model(), folder, copy_function=lambda source, to: Path(to).symlink_to(source))
    settings = folder / "1_Pooling" / "config.json"
    written = json.loads(settings.read_text())
    settings.unlink()
    settings.write_text(json.dumps({**written, "pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}))
    encoder = SentenceEncoder(str(folder), dtype="float32")
    assert encoder._packed is None
    np.testing.assert_allclose(encoder.encode(SENTENCES), library(encoder, SENTENCES), atol=1e-6)
    assert encoder.fingerprint != SentenceEncoder(dtype="float32").fingerprint


@pytest.mark.parametrize("change", ["dimension", "prompt", "decoder", "activation"])
def test_a_model_with_anything_unknown_is_left_to_the_library(
    real_encoder: SentenceEncoder, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    model = real_encoder._model
    assert packed(model) is not None
    if change == "dimension":
        monkeypatch.setattr(model, "truncate_dim", 100)
    elif change == "prompt":
        monkeypatch.setattr(model, "default_prompt_name", "query")
    elif change == "decoder":
        monkeypatch.setattr(model[0].auto_model.config, "is_decoder", True)
    else:
        monkeypatch.setattr(model[0].auto_model.config, "hidden_act", "relu")
    assert packed(model) is None
