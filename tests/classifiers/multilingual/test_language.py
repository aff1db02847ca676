"""Which prompts the multilingual encoder reads."""

from __future__ import annotations

import pytest

from classifiers.multilingual.language import is_foreign


@pytest.mark.parametrize(
    "text",
    [
        "Где родился физик?",
        "東京",
        "Wie wird das Wetter morgen in Hamburg?",
        "¿Dónde está la biblioteca municipal?",
        "What does Привет mean?",
    ],
)
def test_other_languages(text: str) -> None:
    assert is_foreign(text)


@pytest.mark.parametrize(
    "text", ["Where was the physicist born, and when did he die?", "", "42", "x = f(y)", "What is the value of π?"]
)
def test_english_and_what_is_no_language(text: str) -> None:
    assert not is_foreign(text)
