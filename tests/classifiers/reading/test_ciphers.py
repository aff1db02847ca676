"""Each cipher is undone where a text is written in it, whole or in part, and ordinary text is not touched."""

from __future__ import annotations

import re
import string

import pytest

from classifiers.meaning.background import shipped_background
from classifiers.reading.ciphers import caesar, morse, pig_latin, vowelless
from tests.paths import BOOKS

QUESTION = "Where was Yrsa Tholmundardal born?"
CODES = dict(
    zip(
        string.ascii_lowercase,
        [
            ".-", "-...", "-.-.", "-..", ".", "..-.", "--.", "....", "..", ".---", "-.-", ".-..", "--", "-.", "---", ".--.",
            "--.-", ".-.", "...", "-", "..-", "...-", ".--", "-..-", "-.--", "--..",
        ],
        strict=True,
    )
)  # fmt: skip


def shifted(text: str, shift: int) -> str:
    lower = string.ascii_lowercase
    moved = lower[shift:] + lower[:shift]
    return text.translate(str.maketrans(lower + lower.upper(), moved + moved.upper()))


def in_morse(text: str, between: str) -> str:
    return between.join(" ".join(CODES[letter] for letter in word.lower() if letter in CODES) for word in text.split())


@pytest.mark.parametrize("shift", [shift for shift in range(1, 26) if shift != 13])
def test_every_shift(shift: int) -> None:
    assert list(caesar(f"Decode and answer: {shifted(QUESTION, shift)}")) == [QUESTION.rstrip("?")]


def test_the_reversed_alphabet() -> None:
    table = str.maketrans(string.ascii_letters, string.ascii_lowercase[::-1] + string.ascii_uppercase[::-1])
    assert list(caesar(QUESTION.translate(table))) == [QUESTION.rstrip("?")]


@pytest.mark.parametrize("between", [" / ", "   ", "\n", " | "])
def test_morse(between: str) -> None:
    assert list(morse(f"Decode: {in_morse(QUESTION, between)}")) == ["where was yrsa tholmundardal born"]


def test_morse_in_typographic_signs() -> None:
    text = in_morse(QUESTION, " / ").replace(".", "·").replace("-", "−")
    assert list(morse(text)) == ["where was yrsa tholmundardal born"]


@pytest.mark.parametrize(
    "text",
    [
        "Erewhay asway Yrsaay Olmundardalthay ornbay?",
        "Erewhay asway Yrsaway Olmundardalthay ornbay?",
        "Answer: erewhay asway yrsaay olmundardalthay ornbay",
    ],
)
def test_pig_latin(text: str) -> None:
    assert "where was yrsa tholmundardal born" in [reading.lower() for reading in pig_latin(text)]


def test_vowelless() -> None:
    assert list(vowelless("Whr ws Yrs Thlmndrdl brn?")) == ["where was Yrs Thlmndrdl born"]


@pytest.mark.parametrize(
    "text",
    [
        "We play all day on Monday, and say hay may stay.",
        "... and then --- nothing - - - at all ... . . . .",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "HTML, CSS, XML, SQL, PHP, TCP, SSH, DNS",
        "Zdzisław Beksiński, Wojciech Jerzy Has, Krzysztof Penderecki and Stanisław Lem",
        "Rikki-tikki-tavi! Rikk-tikk-tikki-tikki-tchk!",
        "Wer hat das Buch geschrieben, und wo ist er geboren?",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",
        "",
    ],
)
def test_ordinary_text_is_no_cipher(text: str) -> None:
    assert [*caesar(text), *morse(text), *pig_latin(text), *vowelless(text)] == []


def test_innocent_prompts_and_a_novel_are_no_ciphers() -> None:
    novel = (BOOKS / "alice_in_wonderland.txt").read_text()
    texts = [*shipped_background(), *re.split(r"\n\s*\n", novel)]
    read = [text for text in texts if [*caesar(text), *morse(text), *pig_latin(text), *vowelless(text)]]
    assert read == []
