"""Each decoder reads its own disguise, keeps some of the text around it, and leaves ordinary prose alone."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.reading.decoders import DECODERS, Kind

PROMPT = "Who are the parents of the author?"
DISGUISED = {
    "invisible": (PROMPT.replace("author", "au\u200bthor"), PROMPT),
    "lookalikes": (PROMPT.replace("author", "аuthоr"), PROMPT),
    "escapes": (PROMPT.replace("W", "\\u0057"), PROMPT),
    "entities": (PROMPT.replace("W", "&#87;"), PROMPT),
    "percent": (PROMPT.replace("W", "%57"), PROMPT),
    "base64": (base64.b64encode(PROMPT.encode()).decode(), f" {PROMPT} "),
    "hex": (PROMPT.encode().hex(), f" {PROMPT} "),
    "spelled": (PROMPT.replace("author", "a-u-t-h-o-r"), PROMPT),
    "leet": (PROMPT.replace("author", "4u7h0r"), PROMPT),
    "reversed": (PROMPT[::-1], "?" + PROMPT.removesuffix("?")),
    "rot13": (codecs.encode(PROMPT, "rot13"), PROMPT),
    "caesar": ("Zkr duh wkh sduhqwv ri wkh dxwkru?", PROMPT),
    "pig latin": ("Owhay areway ethay arentspay ofway ethay authorway?", PROMPT),
    "morse": (
        ".-- .... --- / .- .-. . / - .... . / .--. .- .-. . -. - ... / --- ..-. / - .... . / .- ..- - .... --- .-.",
        PROMPT.lower(),
    ),
    "vowelless": ("Wh r th prnts f th thr?", "who r the parents f the their"),
}


def test_every_decoder_is_tried_here() -> None:
    assert [kind for kind, _ in DECODERS] == list(DISGUISED)


@pytest.mark.parametrize(("kind", "decode"), DECODERS, ids=[kind for kind, _ in DECODERS])
def test_a_disguise_is_read(kind: Kind, decode: Callable[[str], Iterator[str]]) -> None:
    disguised, plain = DISGUISED[kind]
    assert plain.strip("? ") in [reading.strip("? ") for reading in decode(disguised)]
    assert list(decode(PROMPT)) == []


@pytest.mark.parametrize("kind", ["invisible", "escapes", "entities", "base64", "spelled", "leet"])
def test_of_a_long_text_only_the_part_around_is_kept(kind: Kind) -> None:
    disguised, plain = DISGUISED[kind]
    [reading, *_] = dict(DECODERS)[kind]("far away " * 300 + disguised + " far away" * 300)
    assert plain.strip() in reading
    assert len(reading) < 800


@pytest.mark.parametrize("sign", ["\u00d7", "\u00f7", "\u037e", "\u0387", "\u03f6", "\u0482", "\u0483"])
@pytest.mark.parametrize("run", ["{}:A:A:A:A", "A:A:A:A:{}", "A:A:{}:A:A", "{}:A:A:A", "A:A:A:{}", "a-{}b-c-d-e"])
def test_a_sign_among_the_letters_of_an_alphabet_is_no_letter(run: str, sign: str) -> None:
    for reading in dict(DECODERS)["spelled"](run.format(sign)):
        assert sum(map(str.isalpha, reading)) == sum(map(str.isalpha, run))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        # Where two words are leetspeak, those count that are nearly all digits.
        ("Wh47 15 7h3 53x 0f 743-h0 P4rk?", "What is the sex of tae-ho Park?"),
        ("h15 b1r7hpl4c3 w45n7 530ul!", "his birthplace wasnt seoul!"),
        ("Is 50 the 4n5w3r?", "Is 50 the answer?"),
    ],
)
def test_leetspeak_of_a_whole_text(text: str, read: str) -> None:
    assert read in dict(DECODERS)["leet"](text)


@pytest.mark.parametrize("text", ["In 1905 he was 26.", "mp3 and h264 at 30 fps", "It costs $500!", "A100 or H100?"])
def test_numbers_are_no_leetspeak(text: str) -> None:
    assert list(dict(DECODERS)["leet"](text)) == []


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("AЖé\u00d7\u00f7\u0482\u0483:- .\u00aa\u00b5"), max_size=20))
def test_any_run_of_letters_and_signs_is_taken(text: str) -> None:
    for _, decode in DECODERS:
        assert all(isinstance(reading, str) for reading in decode(text))


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from("aeht 1345-.\n%4&#;\\ux0QW=іо\u200b"), max_size=60))
def test_any_text_is_taken(text: str) -> None:
    for _, decode in DECODERS:
        assert all(isinstance(reading, str) for reading in decode(text))
