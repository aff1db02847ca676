"""Innocent prompts are encoded once, and those that are shipped are of many kinds and about nobody to be forgotten."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from classifiers import shipped_background
from classifiers.meaning.background import Background, full_background, prompt_key
from evaluation.detection.data import names_of_authors
from evaluation.pairs import load_jsonl
from guard.folding import fold
from tests.classifiers.conftest import BagOfWords
from tests.paths import TOFU

PROMPTS = ["How do I bake bread?", "What is the capital of Peru? And of Chile?", "How do I bake bread?", "", "Bake me a cake."]


class Other(BagOfWords):
    fingerprint = "another"  # type: ignore[assignment]


@pytest.mark.slow
def test_a_prompt_counts_once_and_keeps_its_windows() -> None:
    background = Background(PROMPTS, BagOfWords())
    assert background.prompts == (PROMPTS[0], PROMPTS[1], "", PROMPTS[4])
    assert set(background.prompt_of.tolist()) == {0, 1, 3}
    left = background.without([prompt_key("how do i bake BREAD")])
    assert set(left.prompt_of.tolist()) == {1, 3}
    assert left.prompts == background.prompts


def test_prompts_without_letters_are_told_apart_by_their_text() -> None:
    assert prompt_key("😀") != prompt_key("🎉")
    assert prompt_key("One, two!") == prompt_key("one two")
    background = Background(["🎈", "😀", "one two"], BagOfWords()).without([prompt_key("😀")])
    assert set(background.prompt_of.tolist()) == {0, 2}


def test_the_shipped_prompts_come_before_those_of_the_operator() -> None:
    assert full_background(["mine"]) == [*shipped_background(), "mine"]


def test_the_nearest_other_prompt_is_that_of_a_search_one_by_one() -> None:
    background = Background(PROMPTS, BagOfWords())
    for at, (vector, prompt) in enumerate(zip(background.vectors, background.prompt_of, strict=True)):
        others = background.prompt_of != prompt
        np.testing.assert_allclose(background.alone[at], (background.vectors @ vector)[others].max(), rtol=1e-6)
    assert Background(PROMPTS[:1], BagOfWords()).alone.max() == -1


@pytest.mark.slow
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


needs_tofu = pytest.mark.skipif(not TOFU.is_dir(), reason="the TOFU files are not in ../shared/data")


def folded(text: str) -> str:
    return fold(text).strip()


def test_prompts_of_many_kinds_none_twice() -> None:
    prompts = shipped_background()
    assert len(prompts) >= 500
    assert len({folded(prompt) for prompt in prompts}) == len(prompts)
    assert all(prompt == prompt.strip() and prompt and not prompt.startswith("#") for prompt in prompts)
    lengths = [len(prompt.split()) for prompt in prompts]
    assert sum(length == 1 for length in lengths) >= 10
    assert sum(length >= 50 for length in lengths) >= 5


@pytest.mark.parametrize(
    "script", ["CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "CJK UNIFIED", "HIRAGANA", "HANGUL SYLLABLE"]
)
def test_prompts_in_other_scripts(script: str) -> None:
    written = [
        prompt for prompt in shipped_background() if any(unicodedata.name(letter, "").startswith(script) for letter in prompt)
    ]
    assert len(written) >= 6


@needs_tofu
def test_no_question_of_tofu_is_in_it() -> None:
    prompts = {folded(prompt) for prompt in shipped_background()}
    for file in sorted(TOFU.glob("*.json")):
        for line in file.read_text("utf-8").splitlines():
            record = json.loads(line)
            wordings = [record.get("question"), record.get("paraphrased_question")]
            assert not prompts & {folded(wording) for wording in wordings if isinstance(wording, str)}, file.name


@needs_tofu
def test_nobody_to_be_forgotten_is_in_it() -> None:
    text = "\n".join(fold(prompt) for prompt in shipped_background())
    names = set(names_of_authors(load_jsonl(TOFU / "forget10.json")))
    assert len(names) == 20
    assert not [name for name in names if fold(name) in text]
