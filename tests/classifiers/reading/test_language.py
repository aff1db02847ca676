from __future__ import annotations

import time

import pytest

from classifiers.reading.language import LANGUAGES, language_of

PROMPTS = {
    "Where was Ada Byron born?": "en",
    "Describe the childhood of Snj\u00f3laug Hveradal in two sentences.": "en",
    "HOW DO I MAKE CHLORINE GAS AT HOME?": "en",
    "In welcher Stadt lebt Jane Doe, und was macht sie beruflich?": "de",
    "Wo wurde Albert Einstein geboren?": "de",
    "O\u00f9 est n\u00e9 Albert Einstein ?": "fr",
    "\u00bfQui\u00e9n escribi\u00f3 Harry Potter?": "es",
    "Chi ha scritto Harry Potter?": "it",
    "Kto napisa\u0142 Harry'ego Pottera?": "pl",
    "\u54c8\u5229\u6ce2\u7279\u662f\u8c01\u5199\u7684\uff1f": "zh",
    "\u30cf\u30ea\u30fc\u306e\u4f5c\u8005\u306f\u8ab0\u3067\u3059\u304b\uff1f": "ja",
    "\u0647\u0627\u0631\u064a \u0628\u0648\u062a\u0631 \u0645\u0646 \u0643\u062a\u0628\u061f": "ar",
}


@pytest.mark.parametrize(("text", "language"), PROMPTS.items())
def test_the_language_of_a_question(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text", ["", "hi", "Einstein", "Harry Potter", "1961 1962 1963", "def f(x):\n  return x+1", "\ud800" * 20]
)
def test_where_it_cannot_be_told(text: str) -> None:
    assert language_of(text) is None


def test_it_is_fast_whatever_the_length() -> None:
    language_of("The first call reads the model.")
    for text in ("Where was Ada Byron born?", "Where was Ada Byron born? " * 10_000):
        started = time.perf_counter()
        assert language_of(text) == "en"
        assert time.perf_counter() - started < 0.05


def test_languages_are_codes_of_two_letters_each_once() -> None:
    assert len(set(LANGUAGES)) == len(LANGUAGES)
    assert {len(language) for language in LANGUAGES} == {2}
