"""Vectors that are stored hold for the texts and the encoder they were made of and by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifiers import Example, ForgetTarget
from classifiers.meaning.nearest import example_vectors
from server.policy.vectors import EmbeddingError, embed, embedded
from server.store.columns import utc_now
from server.store.records import StoredTarget
from tests.server.fakes import WordEncoder

ENCODER = WordEncoder()
PROMPTS = ("where was she born", "what did she say", "who was her father")
EXAMPLES = [Example(prompt=prompt, completion="-") for prompt in PROMPTS]
TARGET = ForgetTarget(id="t", name="Person One", examples=EXAMPLES[:2])
VECTORS = example_vectors([TARGET], ENCODER)["t"]


class OtherEncoder(WordEncoder):
    fingerprint = "other"


def stored(target: ForgetTarget, vectors: bytes | None) -> StoredTarget:
    now = utc_now()
    document = target.model_dump(mode="json")
    return StoredTarget("t", 1, "active", document, {}, None, None, True, None, now, now, now, 1, 1, None, None, vectors)


@pytest.mark.parametrize("retained", [True, False])
def test_they_come_back_as_they_were(retained: bool) -> None:
    packed = embed(TARGET, VECTORS, ENCODER, retained=retained)
    target = TARGET if retained else TARGET.model_copy(update={"examples": []})
    np.testing.assert_array_equal(embedded([stored(target, packed)], ENCODER)["t"], VECTORS)


def test_nothing_of_a_text_that_is_not_kept_stands_beside_them() -> None:
    kept, forgotten = (embed(TARGET, VECTORS, ENCODER, retained=retained) for retained in (True, False))
    assert b"texts" in kept
    assert b"texts" not in forgotten


def test_other_examples_are_encoded_anew() -> None:
    packed = embed(TARGET, VECTORS, ENCODER, retained=True)
    other = TARGET.model_copy(update={"examples": EXAMPLES[1:]})
    assert embedded([stored(other, packed)], ENCODER) == {}
    assert embedded([stored(TARGET, None)], ENCODER) == {}


def test_another_encoders_count_only_as_a_reason_to_encode_anew() -> None:
    packed = embed(TARGET, VECTORS, OtherEncoder(), retained=True)
    assert embedded([stored(TARGET, packed)], ENCODER) == {}
    gone = replace(stored(TARGET.model_copy(update={"examples": []}), packed), retain_examples=False)
    with pytest.raises(EmbeddingError, match="another encoder"):
        embedded([gone], ENCODER)
