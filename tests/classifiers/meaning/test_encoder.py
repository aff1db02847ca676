from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from classifiers import CachedEncoder, Encoder, EncoderError, SentenceEncoder
from classifiers.meaning.encoder import DEFAULT_SHA256, Vectors, bundled_model, uncached, unit_rows, verify_weights
from tests.classifiers.conftest import STRANGE, BagOfWords

SENTENCES = ["Where was she born?", "In which town did she come into the world?", "How do I sort a list in Python?"]


@pytest.mark.slow
def test_nothing_to_encode(real_encoder: SentenceEncoder, bag_of_words: BagOfWords) -> None:
    assert real_encoder.encode([]).shape == (0, 384)
    assert CachedEncoder(bag_of_words).encode([]).shape == (0, 512)
    assert bag_of_words.calls == []


def test_unit_rows_and_meaning(real_encoder: SentenceEncoder) -> None:
    assert isinstance(real_encoder, Encoder)
    vectors = real_encoder.encode(SENTENCES)
    assert vectors.shape == (3, real_encoder.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.5 > 0.2 > cosines[0, 2]


@pytest.mark.parametrize("name", STRANGE)
def test_strange_texts_have_finite_vectors(real_encoder: SentenceEncoder, name: str) -> None:
    np.testing.assert_allclose(np.linalg.norm(real_encoder.encode([STRANGE[name][:1000]]), axis=1), 1, atol=1e-6)


@pytest.mark.slow
def test_bfloat16_is_near_float32(real_encoder: SentenceEncoder) -> None:
    exact = SentenceEncoder(dtype="float32").encode(SENTENCES)
    assert (np.abs(real_encoder.encode(SENTENCES) @ exact.T - exact @ exact.T) < 0.02).all()


@pytest.mark.slow
def test_threads_get_their_own_vectors(real_encoder: SentenceEncoder) -> None:
    alone = [real_encoder.encode([sentence]) for sentence in SENTENCES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda n: real_encoder.encode([SENTENCES[n % 3]]), range(24)))
    for n, vectors in enumerate(together):
        np.testing.assert_array_equal(vectors, alone[n % 3])


@pytest.mark.slow
def test_long_texts_are_encoded_in_turns_and_short_ones_between(real_encoder: SentenceEncoder) -> None:
    many = [f"Sentence number {n} says something about the harbour." for n in range(400)]
    begun, order = threading.Event(), []
    packed = real_encoder._packed
    assert packed is not None

    class Noted:
        def encode(self, texts: Sequence[str]) -> Vectors:
            order.append(len(texts))
            begun.set()
            return packed.encode(texts)

    real_encoder._packed = Noted()  # type: ignore[assignment]
    try:
        with ThreadPoolExecutor(1) as pool:
            long = pool.submit(real_encoder.encode, many)
            assert begun.wait(10)
            real_encoder.encode(["Short?"])
            before = len(order)
            vectors = long.result()
    finally:
        real_encoder._packed = packed
    assert 1 in order[:before]
    assert before < len(order)
    assert max(order) * len(many[0]) <= 1100
    np.testing.assert_allclose(vectors, unit_rows(packed.encode(many)), atol=0.02)


def test_weights_are_verified(tmp_path: Path) -> None:
    verify_weights(bundled_model(), DEFAULT_SHA256)
    with pytest.raises(EncoderError, match="no weights"):
        verify_weights(tmp_path, DEFAULT_SHA256)
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(EncoderError, match="have sha256"):
        verify_weights(tmp_path, DEFAULT_SHA256)


def test_a_model_that_is_not_here_is_not_fetched() -> None:
    with pytest.raises(EncoderError, match="cannot load"):
        SentenceEncoder("no-such-owner/no-such-model")


def test_unknown_dtype() -> None:
    with pytest.raises(ValueError, match="dtype"):
        SentenceEncoder(dtype="float8")  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_model_that_reads_less_than_a_window_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bundled_model(), folder, copy_function=lambda source, to: Path(to).symlink_to(source))
    (folder / "sentence_bert_config.json").unlink()
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 128, "do_lower_case": false}')
    with pytest.raises(EncoderError, match="reads 128 word pieces"):
        SentenceEncoder(str(folder))


def test_unit_rows() -> None:
    rows = unit_rows(np.array([[3, 4], [0, 0]], np.float32))
    np.testing.assert_allclose(rows, np.array([[0.6, 0.8], [0, 0]], np.float32))
    for bad in (np.nan, np.inf):
        with pytest.raises(EncoderError, match="not finite"):
            unit_rows(np.array([[bad, 1]], np.float32))


def test_cache_encodes_a_text_once(bag_of_words: BagOfWords) -> None:
    encoder = CachedEncoder(bag_of_words)
    assert isinstance(encoder, Encoder)
    first = encoder.encode(["a b", "c", "a b"])
    again = encoder.encode(["c", "d", "a b"])
    assert bag_of_words.calls == [["a b", "c"], ["d"]]
    assert (encoder.hits, encoder.misses, len(encoder)) == (3, 3, 3)
    np.testing.assert_array_equal(first[[1, 0]], again[[0, 2]])
    np.testing.assert_array_equal(again, BagOfWords().encode(["c", "d", "a b"]))


def test_cache_forgets_the_longest_unused(bag_of_words: BagOfWords) -> None:
    encoder = CachedEncoder(bag_of_words, capacity=2)
    encoder.encode(["a", "b"])
    encoder.encode(["a"])
    encoder.encode(["c"])
    encoder.encode(["a"])
    encoder.encode(["b"])
    assert bag_of_words.calls == [["a", "b"], ["c"], ["b"]]
    assert len(encoder) == 2


def test_cache_smaller_than_a_batch(bag_of_words: BagOfWords) -> None:
    texts = [f"word{n}" for n in range(9)]
    encoder = CachedEncoder(bag_of_words, capacity=1)
    np.testing.assert_array_equal(encoder.encode(texts), BagOfWords().encode(texts))
    assert len(encoder) == 1


def test_cache_holds_no_text_and_takes_surrogates(bag_of_words: BagOfWords) -> None:
    encoder = CachedEncoder(bag_of_words)
    encoder.encode(["secret words", "\ud800"])
    assert all(isinstance(key, bytes) and len(key) == 16 for key in encoder._vectors)


def test_cache_cannot_be_changed_from_outside(bag_of_words: BagOfWords) -> None:
    encoder = CachedEncoder(bag_of_words)
    encoder.encode(["a"])[:] = 7
    encoder.encode(["a"])[:] = 7
    np.testing.assert_array_equal(encoder.encode(["a"]), BagOfWords().encode(["a"]))


def test_cache_passes_errors_on_and_keeps_nothing_of_them() -> None:
    class Fails:
        dimension = 4
        fingerprint = "fails"

        def encode(self, texts: Sequence[str]) -> Vectors:
            raise EncoderError("broken")

    encoder = CachedEncoder(Fails())
    for _ in range(2):
        with pytest.raises(EncoderError):
            encoder.encode(["a"])
    assert len(encoder) == 0


def test_uncached_is_the_encoder_inside(bag_of_words: BagOfWords) -> None:
    assert uncached(CachedEncoder(bag_of_words)) is bag_of_words
    assert uncached(bag_of_words) is bag_of_words


def test_cache_needs_room() -> None:
    with pytest.raises(ValueError, match="capacity"):
        CachedEncoder(BagOfWords(), capacity=0)


@pytest.mark.slow
def test_a_fingerprint_names_the_weights_and_the_number_type(real_encoder: SentenceEncoder) -> None:
    used = SentenceEncoder()
    used.encode(SENTENCES)
    fingerprint = used.fingerprint
    assert fingerprint == SentenceEncoder().fingerprint == CachedEncoder(real_encoder).fingerprint
    assert fingerprint != SentenceEncoder(dtype="float32").fingerprint
    assert "bfloat16" in fingerprint
