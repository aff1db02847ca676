"""Anchors: which words can be one, what a word near one costs, and what is stored and read."""

from __future__ import annotations

import math

import numpy as np
import pytest

from guard.errors import CorruptRestriction, PhraseError
from guard.meaning import anchors as module
from guard.meaning.anchors import MAX_WORD, Anchors, exempt
from tests.guard.meaning.encoders import Bigrams


def test_the_nearest_of_many_anchors_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK", 2)
    encode = Bigrams()
    words = ["alpha", "bravo", "charlie", "delta", "echo"]
    together = Anchors.of(words, encode, encoder="fake", delta=0.7, floor=0.1)
    vectors = encode(["alpine", "ravoli", "charles", "echoes", "zzz"])
    apart = [Anchors.of([w], encode, encoder="fake", delta=0.7, floor=0.1).penalties(vectors) for w in words]
    np.testing.assert_allclose(together.penalties(vectors), np.max(apart, axis=0), rtol=1e-5)


@pytest.mark.parametrize("word", ["the", "would", "don", "42nd", "1984", "ab", "é", "", "哈", "a" * (MAX_WORD + 1), "x٣yz", "क्ष"])
def test_exempt_words(word: str) -> None:
    assert exempt(word)


@pytest.mark.parametrize("word", ["doctor", "cat", "врач", "ärzte", "a" * MAX_WORD])
def test_words_that_are_compared(word: str) -> None:
    assert not exempt(word)


def test_anchors_are_folded_once_each_and_in_order() -> None:
    encode = Bigrams()
    anchors = Anchors.of(["Physician", "Taipei ", "physician", "general  practitioner"], encode, encoder="fake")
    assert anchors.words == ("general practitioner", "physician", "taipei")
    assert encode.calls == [list(anchors.words)]
    with pytest.raises(ValueError):
        anchors.vectors[0, 0] = 0


def test_what_is_stored_is_what_is_read() -> None:
    anchors = Anchors.of(["Física", "доктор", "tea"], Bigrams(), encoder="fake", delta=0.61, floor=0.1, weight=3.3)
    arrays, metadata = anchors.to_arrays()
    assert {name: (a.dtype.str, a.ndim) for name, a in arrays.items()} == {
        "anchor_vectors": ("<f4", 2),
        "anchor_words": ("|u1", 1),
    }
    assert all(isinstance(value, str) for value in metadata.values())
    read = Anchors.from_arrays(arrays, metadata)
    assert (read.words, read.encoder, read.delta, read.floor, read.weight) == (anchors.words, "fake", 0.61, 0.1, 3.3)
    np.testing.assert_array_equal(read.vectors, anchors.vectors)


@pytest.mark.parametrize(
    "change",
    [
        {"anchor_vectors": None},
        {"anchor_words": None},
        {"anchor_delta": None},
        {"anchor_encoder": None},
        {"anchor_encoder": ""},
        {"anchor_delta": "none"},
        {"anchor_delta": "nan"},
        {"anchor_weight": "inf"},
        {"anchor_floor": "0.9"},
        {"anchor_vectors": np.full((2, 16), np.nan, np.float32)},
        {"anchor_vectors": np.zeros((2, 16), np.float32)},
        {"anchor_vectors": np.eye(3, 16, dtype=np.float32)},
        {"anchor_vectors": np.eye(2, 16)},
        {"anchor_words": np.frombuffer(b"tea\ncake", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\ncake", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\nTea", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\n\xff", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\nthe", np.uint8)},
    ],
)
def test_anchors_that_were_changed_are_an_error(change: dict[str, object]) -> None:
    arrays, metadata = Anchors.of(["cake", "tea"], Bigrams(), encoder="fake").to_arrays()
    content = {**arrays, **metadata, **change}
    content = {name: value for name, value in content.items() if value is not None}
    with pytest.raises(CorruptRestriction):
        Anchors.from_arrays(content, content)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 0.3, "floor": 0.3}, "floor < delta"),
        ({"delta": 0.3, "floor": 0.5}, "floor < delta"),
        ({"delta": 0.5, "floor": 0.5 - 1e-12}, "floor < delta"),
        ({"delta": 1.0}, "floor < delta"),
        ({"floor": -0.1}, "floor < delta"),
        ({"delta": math.nan}, "floor < delta"),
        ({"weight": 0.0}, "weight"),
        ({"weight": math.inf}, "weight"),
        ({"weight": math.nan}, "weight"),
        ({"encoder": ""}, "name of their encoder"),
    ],
)
def test_settings_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        Anchors.of(["tea"], Bigrams(), **{"encoder": "fake", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "index"), [(["tea", "The"], 1), (["--"], 0), (["1984", "tea"], 0), (["tea", "Tom", "of a"], 2)]
)
def test_words_that_cannot_be_anchors_are_named(words: list[str], index: int) -> None:
    with pytest.raises(PhraseError) as error:
        Anchors.of(words, Bigrams(), encoder="fake")
    assert error.value.index == index


def test_no_anchors_and_an_encoder_that_knows_nothing() -> None:
    with pytest.raises(PhraseError, match="no anchors"):
        Anchors.of([], Bigrams(), encoder="fake")
    with pytest.raises(PhraseError, match="no vector") as error:
        Anchors.of(["tea"], lambda texts: np.zeros((len(texts), 4), np.float32), encoder="fake")
    assert error.value.index == 0
