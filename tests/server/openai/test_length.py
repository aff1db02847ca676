"""Prompts beyond the context are refused, and no other ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.tinylm.tokenizer import train_tokenizer
from server.engine.tokenizer import PromptTokenizer
from server.errors import BadRequest
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.dialect import Dialect
from server.openai.length import CHARACTERS, check_prompts, check_texts
from server.screening.conversation import Text

CONTEXT = 64
TOKENIZER = train_tokenizer(["Where did she study? Tell me about tea and cake, please, and the rest of it all."], 400)


class Engine:
    """Counts words."""

    context_length = 3

    def least_tokens(self, text: str) -> int:
        return len(text.split())


DIALECTS: dict[str, Dialect] = {"chat": CHAT, "completion": COMPLETIONS}


def check(body: dict[str, Any], route: str) -> None:
    dialect = DIALECTS[route]
    check_prompts(dialect.shown(body), Engine(), dialect.prompt_field)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    ("route", "body", "param"),
    [
        ("chat", {"messages": [user("a b c d")]}, "messages"),
        ("chat", {"messages": [user("a b"), {"role": "assistant", "content": None}, user("c d")]}, "messages"),
        ("chat", {"messages": [user(["a ", {"type": "text", "text": "b c d"}])]}, "messages"),
        ("completion", {"prompt": "a b c d"}, "prompt"),
        ("completion", {"prompt": ["a", "a b c d"]}, "prompt"),
        ("completion", {"prompt": [1, 2, 3, 4]}, "prompt"),
        ("completion", {"prompt": [[1], [1, 2, 3, 4]]}, "prompt"),
    ],
)
def test_too_long(route: Any, body: dict[str, Any], param: str) -> None:
    with pytest.raises(
        BadRequest, match=r"maximum context length is 3 tokens\. However, your \w+ resulted in at least 4 "
    ) as caught:
        check(body, route)
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, param, "context_length_exceeded")


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("chat", {"messages": [user("a b"), user("c")]}),
        # A template may leave these out.
        ("chat", {"messages": [{"role": "system", "content": "a b c d"}, user("a")]}),
        ("chat", {"messages": [{"role": "assistant", "content": "a b c d", "reasoning": "a b c d"}, user("a")]}),
        ("chat", {"messages": [user([{"type": "thinking", "thinking": "a b c d"}, {"type": "text", "text": "a"}])]}),
        ("chat", {"messages": [user(None), user("a")], "tools": ["a b c d"]}),
        ("completion", {"prompt": ["a b c", "d e f"]}),
        ("completion", {"prompt": [1, 2, 3]}),
        ("completion", {"prompt": "a", "suffix": "a b c d"}),
    ],
)
def test_not_too_long_for_certain(route: Any, body: dict[str, Any]) -> None:
    check(body, route)


def test_all_texts_together_have_a_limit_whether_a_template_shows_them_or_not() -> None:
    texts = [Text("a" * CONTEXT, "x")] * CHARACTERS
    check_texts(texts, CONTEXT, "messages")
    with pytest.raises(BadRequest, match="maximum context length is 64 tokens"):
        check_texts([*texts, Text("a", "x")], CONTEXT, "messages")


UNITS = ["Where ", "study", " ", "\n", "7", "ø", "\U0001f600", "<|pad|>", "tea", "x" * 40]
TEXT = st.lists(st.sampled_from(UNITS), max_size=80).map("".join)


@given(st.lists(TEXT, min_size=1, max_size=4))
def test_the_bound_is_one(parts: list[str]) -> None:
    text = " ".join(parts) * 3
    least = PromptTokenizer(TOKENIZER, CONTEXT).least_tokens(text)
    for shown in (text, text.strip()):
        assert least <= len(TOKENIZER.encode(f"<|user|>\n{shown}<|end|>", add_special_tokens=False))


@pytest.mark.parametrize("unit", ["Where did she study? ", "x", "\U0001f600", "<|pad|>", "7 ", "\n"])
@pytest.mark.slow
def test_the_bound_is_one_for_long_texts_and_near(unit: str) -> None:
    text = unit * (60_000 // len(unit))
    exact = len(TOKENIZER.encode(text.strip(), add_special_tokens=False))
    least = PromptTokenizer(TOKENIZER, 50_000).least_tokens(text)
    assert least <= exact
    assert least >= 0.9 * min(exact, 50_000) - 20


def test_a_text_with_more_characters_than_a_context_can_have_is_not_encoded() -> None:
    tokenizer = train_tokenizer(["tea"], 400)
    tokenizer.max_chars_per_token = 8  # as vLLM adds it
    own = PromptTokenizer(tokenizer, CONTEXT)
    own._encode = lambda text: pytest.fail("encoded")  # type: ignore[method-assign, assignment]
    assert own.least_tokens("x" * 8 * CONTEXT + "x") == CONTEXT + 1
