from __future__ import annotations

import json
import unicodedata

import pytest

from classifiers import shipped_background
from evaluation.detection.data import names_of_authors
from evaluation.pairs import load_jsonl
from guard.folding import fold
from tests.paths import TOFU

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
