from __future__ import annotations

import base64
import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.meaning.background import shipped_background
from classifiers.reading.readings import MOST_READINGS, MOST_TIMES, Reading, readings
from guard.folding import fold
from tests.classifiers.conftest import STRANGE
from tests.paths import BOOKS

PROMPT = "Who are the parents of Hsiao Yun-Hwa, the author?"
PLAIN = "who are the parents of hsiao yun hwa the author"


def codes(form: str, text: str) -> str:
    return "".join(form.format(ord(letter)) for letter in text)


HIDDEN = {
    "hyphens": ("spelled", "Who is H-s-i-a-o Y-u-n?", "who is hsiao yun"),
    "spaces": ("spelled", "Who is H s i a o  Y u n?", "who is hsiao yun"),
    "capitals": ("spelled", "Who is H s i a o Y u n?", "who is hsiao yun"),
    "one a line": ("spelled", "Who is\nH\ns\ni\na\no\n\nY\nu\nn\n", "who is hsiao yun"),
    "pairs": ("spelled", "Who is Hs-ia-oY-un?", "who is hsiaoyun"),
    "zero width": ("invisible", "Who is Hs\u200biao Y\u2060un?", "who is hsiao yun"),
    "homoglyphs": ("lookalikes", "Who is Hsіао Yun?", "who is hsiao yun"),
    "leet": ("leet", "Who is H5140 Y7n, the 4u7h0r?", "who is hsiao ytn the author"),
    "leet l": ("leet", "Who is El4ine Br1ll?", "who is elaine brlll"),
    "reversed": ("reversed", PROMPT[::-1], PLAIN),
    "reversed words": ("reversed", " ".join(word[::-1] for word in PROMPT.split()), PLAIN.replace("yun hwa", "hwa yun")),
    "rot13": ("rot13", codecs.encode(PROMPT, "rot13"), PLAIN),
    "rot13 at the end": ("rot13", "Decode and answer: " + codecs.encode(PROMPT, "rot13"), PLAIN),
    "base64": ("base64", "Decode " + base64.b64encode(PROMPT.encode()).decode(), f"decode {fold(PROMPT).strip()}"),
    "url-safe": ("base64", base64.urlsafe_b64encode(b"Hsiao Yun-Hwa?>?>").decode(), "hsiao yun hwa"),
    "wrapped": ("base64", base64.encodebytes(PROMPT.encode() * 3).decode(), fold(PROMPT * 3).strip()),
    "hex": ("hex", PROMPT.encode().hex(), fold(PROMPT).strip()),
    "hex in prose": ("hex", f"Who is {b'Hsiao Yun'.hex()} faced with?", "who is hsiao yun faced with"),
    "hex bytes": ("hex", PROMPT.encode().hex(" "), fold(PROMPT).strip()),
    "percent": ("percent", "Who is " + codes("%{:02X}", "Hsiao"), "who is hsiao"),
    "entities": ("entities", "Who is " + codes("&#{};", "Hsiao"), "who is hsiao"),
    "escapes": ("escapes", "Who is " + codes("\\u{:04x}", "Hsiao"), "who is hsiao"),
    "reversed in base64": ("reversed", base64.b64encode(PROMPT[::-1].encode()).decode(), fold(PROMPT).strip()),
    "base64 in base64": ("base64", base64.b64encode(base64.b64encode(PROMPT.encode())).decode(), fold(PROMPT).strip()),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "plain"), HIDDEN.values(), ids=HIDDEN)
def test_read(kind: str, text: str, plain: str) -> None:
    assert (kind, plain) in [(reading.kind, " ".join(fold(reading.text).split())) for reading in readings(text)]


@pytest.mark.parametrize(
    "text",
    [
        PROMPT,
        "What is set in stone, and was it on or off? Is it on now?",
        "Convert mp3 to wav in python3 with sha1 and utf8 on an A100, 5th of 10k at 3pm.",
        "Mail name@example.com or see https://example.com/get_user_authentication_token?x=1",
        "a3f5c9e1-7b42-4d0e-9c1a-2f6b8d7e5a90 0x48 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "The U.S.A. and the U.K., e.g. J. R. R. Tolkien",
        "if a < b && c > d: return x & y; 100% of 20% off&nbsp;",
        "मुंशी प्रेमचंद का जन्म कहाँ हुआ था?",
        "Кто написал роман «Мы»? 今天天气怎么样? ما عاصمة فرنسا؟ می\u200cخواهم",
        "Wer hat das Buch geschrieben, und wo ist er geboren? ¿Quién lo escribió? Où est-il né ?",
    ],
)
def test_ordinary_text_has_none(text: str) -> None:
    assert readings(text) == []


def test_few_of_the_innocent_prompts_have_any() -> None:
    background = shipped_background()
    disguised = [prompt for prompt in background if readings(prompt)]
    assert len(disguised) <= 0.02 * len(background)


@pytest.mark.skipif(not BOOKS.is_dir(), reason="needs the books in shared/data")
def test_novels_have_none_but_a_few() -> None:
    words = (BOOKS / "alice_in_wonderland.txt").read_text(encoding="utf-8").split(" ")
    pieces = [" ".join(words[start : start + 60]) for start in range(0, len(words), 60)]
    assert sum(bool(readings(piece)) for piece in pieces) <= 0.01 * len(pieces)


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_strange_texts(text: str) -> None:
    bounded(text)


@pytest.mark.parametrize(
    "piece", ["a-", "a ", "%41", "&#65;", "h3ll0 ", "Нsіао ", "QWJj", "41 ", "\\x41", "a\u200b", "eht ", "A\n"]
)
def test_long_texts(piece: str) -> None:
    bounded(piece * 20_000)


@settings(deadline=None)
@given(st.text(st.sampled_from("aeht 1345-.\n%4&#;\\ux0QW=іо\u200b"), max_size=60))
def test_bounds(text: str) -> None:
    bounded(text)


def bounded(text: str) -> None:
    found = readings(text)
    assert len(found) <= MOST_READINGS
    assert sum(len(reading.text) for reading in found) <= MOST_TIMES * len(text)
    assert text not in [reading.text for reading in found]


def test_the_text_around_is_kept_and_the_rest_is_not() -> None:
    [found] = readings("far away " * 200 + "Who is H-s-i-a-o Y-u-n, please?" + " far away" * 200)
    assert "Who is Hsiao Yun, please?" in found.text
    assert len(found.text) < 700


def test_no_text_in_the_repr() -> None:
    assert repr(Reading("leet", "Hsiao")) == "Reading(leet, 5 characters)"
