"""Completions: every prompt is read, as text or as token ids."""

from collections.abc import Sequence
from typing import Any

import pytest

from server.errors import BadRequest
from server.openai.completions import COMPLETIONS, texts_of_completion
from server.openai.fields import GUARD_CONFLICT

WORDS = ["hi", "Hello,", "you", "there."]


def decode(ids: Sequence[int]) -> str:
    return " ".join(WORDS[i] for i in ids)


PROMPTS: list[tuple[Any, list[tuple[str, str]]]] = [
    ("hi", [("prompt", "hi")]),
    (["hi", "you"], [("prompt[0]", "hi"), ("prompt[1]", "you")]),
    ([""], [("prompt[0]", "")]),
    ([1, 2], [("prompt", "Hello, you")]),
    ([[1], [2, 3]], [("prompt[0]", "Hello,"), ("prompt[1]", "you there.")]),
]


@pytest.mark.parametrize(("prompt", "expected"), PROMPTS)
def test_prompts(prompt: Any, expected: list[tuple[str, str]]) -> None:
    texts = texts_of_completion({"prompt": prompt, "suffix": "end", "structured_outputs": {"regex": "x"}}, decode, vocabulary=4)
    assert [(text.where, text.text) for text in texts] == [*expected, ("suffix", "end"), ("structured_outputs", "regex\nx")]


BAD_PROMPTS: list[tuple[Any, str]] = [
    (None, "prompt"),
    ("", "prompt"),
    ([], "prompt"),
    ([[]], "prompt[0]"),
    ([[1], []], "prompt[1]"),
    (5, "prompt"),
    ({"text": "x"}, "prompt"),
    ([1, "a"], "prompt"),
    ([1, [2]], "prompt"),
    (["a", ["b"]], "prompt"),
    ([[1], [2, "a"]], "prompt[1]"),
    ([1, -1], "prompt"),
    ([True], "prompt"),
    ([1.0], "prompt"),
    ([4], "prompt"),
    ([[0], [4]], "prompt[1]"),
    ([None], "prompt"),
]


@pytest.mark.parametrize(("prompt", "param"), BAD_PROMPTS)
def test_bad_prompts(prompt: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        texts_of_completion({"prompt": prompt}, decode, vocabulary=4)
    assert caught.value.param == param


def test_no_prompt_and_a_bad_suffix() -> None:
    with pytest.raises(BadRequest):
        texts_of_completion({}, decode)
    with pytest.raises(BadRequest) as caught:
        texts_of_completion({"prompt": "a", "suffix": ["b"]}, decode)
    assert caught.value.param == "suffix"


def test_without_a_vocabulary_the_decoder_decides() -> None:
    with pytest.raises(BadRequest) as caught:
        texts_of_completion({"prompt": [4]}, decode)
    assert caught.value.param == "prompt"


@pytest.mark.parametrize("value", [0, 1])
def test_echo_with_logprobs_scores_the_prompt(value: int) -> None:
    with pytest.raises(BadRequest) as caught:
        COMPLETIONS.check({"model": "m", "prompt": "hello"} | {"echo": True, "logprobs": value})
    assert (caught.value.param, caught.value.code) == ("echo", GUARD_CONFLICT)
    COMPLETIONS.check({"model": "m", "prompt": "hello"} | {"echo": False, "logprobs": value})
