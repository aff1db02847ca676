"""The multilingual encoder: what says the same in two languages is near, and a damaged package is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from classifiers import EncoderError
from classifiers.multilingual import encoder as module
from classifiers.multilingual.encoder import MultilingualEncoder, converted, default_cache

PAIRS = (
    ("Where was the physicist born?", "Где родился физик?"),
    ("How do I bake bread?", "Wie backe ich ein Brot?"),
    ("What is the capital of Peru?", "ペルーの首都はどこですか？"),
    ("My dog is ill.", "كلبي مريض."),
    ("The train leaves at eight.", "기차는 여덟 시에 떠난다."),
)


@pytest.mark.slow
def test_a_text_is_nearest_to_its_translation(encoder: MultilingualEncoder) -> None:
    english, foreign = (encoder.encode([pair[side] for pair in PAIRS]) for side in (0, 1))
    assert (foreign @ english.T).argmax(1).tolist() == list(range(len(PAIRS)))
    np.testing.assert_allclose(np.linalg.norm(foreign, axis=1), 1, rtol=1e-3)
    assert english.shape == (len(PAIRS), encoder.dimension)


@pytest.mark.slow
def test_texts_that_have_nothing_in_common_have_a_cosine_near_zero(encoder: MultilingualEncoder) -> None:
    first, second = encoder.encode(["How do I bake bread?", "Who invented calculus?"])
    assert abs(float(first @ second)) < 0.3


@pytest.mark.slow
def test_no_text_has_no_vector_and_any_text_has_one(encoder: MultilingualEncoder) -> None:
    assert encoder.encode([]).shape == (0, encoder.dimension)
    assert np.isfinite(encoder.encode(["", "\ud83d", "\u200b", "a" * 5000])).all()


@pytest.mark.slow
def test_the_centre_is_part_of_the_fingerprint(encoder: MultilingualEncoder) -> None:
    other = MultilingualEncoder(converted(default_cache()), ["Something else."])
    assert other.fingerprint != encoder.fingerprint


def test_a_package_that_is_missing_or_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EncoderError, match="not installed: install it"):
        converted(tmp_path)
    package = tmp_path / "package"
    package.mkdir()
    (package / module.FILE).write_bytes(b"something else")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(package)]))
    with pytest.raises(EncoderError, match=r"expected .*: install the pinned version"):
        converted(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["package"]


def test_a_file_of_another_format_is_refused() -> None:
    with pytest.raises(EncoderError, match="another format"):
        module._read(b"GGUF" + bytes(100))


def test_weights_in_four_bits_are_read_as_they_are_defined() -> None:
    scale = np.float16(0.5)
    pairs = bytes(low | (high << 4) for low, high in zip(range(16), reversed(range(16)), strict=True))
    values = module._values(scale.tobytes() + pairs, 1, 32, 0)
    assert values.tolist() == [(low - 8) * 0.5 for low in range(16)] + [(high - 8) * 0.5 for high in reversed(range(16))]


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_CACHE_DIR", str(tmp_path))
    assert default_cache() == tmp_path / "encoders"
