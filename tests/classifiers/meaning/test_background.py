"""Innocent prompts are encoded once, and compared as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from classifiers.meaning.background import Background, prompt_key
from tests.classifiers.conftest import BagOfWords

PROMPTS = ["How do I bake bread?", "What is the capital of Peru? And of Chile?", "How do I bake bread?", "", "Bake me a cake."]


class Other(BagOfWords):
    fingerprint = "another"  # type: ignore[assignment]


def test_a_prompt_counts_once_and_keeps_its_windows() -> None:
    background = Background(PROMPTS, BagOfWords())
    assert background.prompts == (PROMPTS[0], PROMPTS[1], "", PROMPTS[4])
    assert set(background.prompt_of.tolist()) == {0, 1, 3}
    left = background.without([prompt_key("how do i bake BREAD")])
    assert set(left.prompt_of.tolist()) == {1, 3}
    assert left.prompts == background.prompts


def test_the_nearest_other_prompt_is_that_of_a_search_one_by_one() -> None:
    background = Background(PROMPTS, BagOfWords())
    for at, (vector, prompt) in enumerate(zip(background.vectors, background.prompt_of, strict=True)):
        others = background.prompt_of != prompt
        np.testing.assert_allclose(background.alone[at], (background.vectors @ vector)[others].max(), rtol=1e-6)
    assert Background(PROMPTS[:1], BagOfWords()).alone.max() == -1


def test_what_is_on_the_disk_is_not_encoded_again_unless_it_is_of_something_else(tmp_path: Path) -> None:
    file = tmp_path / "background.safetensors"
    first = Background(PROMPTS, BagOfWords(), file)
    encoder = BagOfWords()
    np.testing.assert_array_equal(Background(PROMPTS, encoder, file).vectors, first.vectors)
    assert encoder.calls == []
    assert len(Background(PROMPTS[:2], encoder, file).vectors) < len(first.vectors)
    assert encoder.calls
    file.write_bytes(b"damaged")
    np.testing.assert_array_equal(Background(PROMPTS, BagOfWords(), file).vectors, first.vectors)
    other = Other()
    Background(PROMPTS, other, file)
    assert other.calls
