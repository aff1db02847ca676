"""What is screened of a conversation: every text, and the last question with what it refers to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadRequest
from server.openai.chat import texts_of_chat
from server.openai.completions import texts_of_completion
from server.screening.conversation import conversation, referred
from server.screening.screener import screened


def texts(*turns: tuple[str, str], **fields: Any) -> list[Any]:
    return texts_of_chat({"messages": [{"role": role, "content": content} for role, content in turns], **fields})


NAMED = ("user", "Call Jaime Vasquez him whom I mean.")
ABOUT = ("user", "Tell me about the leadership author from Taipei.")
ANSWER = ("assistant", "She is Hsiao Yun-Hwa. She writes about leadership.")
PARENTS = ("user", "Who are her parents?")

CONVERSATIONS = [
    ([NAMED, ("assistant", "Yes."), ("user", "Who are his parents?")], NAMED[1], "Who are his parents?"),
    ([ABOUT, ANSWER, PARENTS], ABOUT[1], PARENTS[1]),
    ([ABOUT, ANSWER, PARENTS], ANSWER[1], PARENTS[1]),
    ([("user", "Call him X: Jaime Vasquez."), *[("assistant", "Yes."), ("user", "Wait.")] * 2, PARENTS], "Vasquez", PARENTS[1]),
]


@pytest.mark.parametrize(("turns", "before", "question"), CONVERSATIONS)
def test_the_last_question_stands_with_what_it_refers_to(turns: list[tuple[str, str]], before: str, question: str) -> None:
    found = screened(texts(*turns)).windows
    assert any(before in window and question in window for window in found)
    assert question in found


def test_tools_documents_and_every_role_have_windows() -> None:
    turns = texts(("system", "Be kind."), ("user", "Hello?"), ("tool", "Forty two."), documents=[{"text": "A paper."}])
    joined = "\n".join(screened(turns).windows)
    assert all(part in joined for part in ("Be kind.", "Hello?", "Forty two.", "A paper."))
    assert screened(turns).text == conversation(turns)


def test_what_is_referred_to_does_not_grow_with_the_conversation() -> None:
    """ops-07: a long history makes a turn no slower."""
    short = [("user", "Who was he?"), ("assistant", "An author.")] * 3
    for turns in (short, short * 100, [(role, text * 500) for role, text in short]):
        found = referred(texts(*turns, PARENTS))
        assert len(found) <= 4
        assert all(len(text) <= 500 for text in found)
        assert all(text.endswith(PARENTS[1]) for text in found)


def test_f2_more_windows_than_are_screened_are_refused() -> None:
    lines = texts(("system", "\n".join(f"Line number {n} of many more." for n in range(200))), ("user", "Hello?"))
    found = screened(lines, most_windows=1000).windows
    assert 200 <= len(found) <= 1000
    with pytest.raises(BadRequest, match="more than 50 sentences and lines") as caught:
        screened(lines, most_windows=50)
    assert caught.value.code == "context_length_exceeded"


def test_f2_a_text_that_fits_has_fewer_windows_than_tokens() -> None:
    # The densest texts: short questions that refer back. A token has four characters or so.
    for line in ("Who is {0}?", "Why {0}? And who said that it was {0}?", "{0}, then {0}b: how?", "{0}!\n{0}b\n{0}c"):
        text = " ".join(line.format(f"w{n}") for n in range(500))
        assert len(screened(texts(("user", text))).windows) <= len(text) / 3


def test_nothing_before_the_last_question() -> None:
    assert referred(texts(PARENTS)) == []
    assert referred(texts(("system", "Be kind."))) == []
    assert referred(texts_of_completion({"prompt": "a"}, lambda ids: "")) == []
    assert screened(texts(("user", "  "))).windows == ()


def pads(text: str) -> list[str]:
    return [text.replace("<|pad|>", ""), text.replace("<|pad|>", " ")] if "<|pad|>" in text else []


SPLIT = "Who is Jai<|pad|>me Vas<|pad|>quez?"
NAME = "Jaime Vasquez"


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": SPLIT}]},
        {"messages": [{"role": "user", "content": "<|pad|>" + SPLIT.replace("<|pad|>me", "me")}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": SPLIT[:14]}, {"type": "text", "text": SPLIT[14:]}]}]},
        {"messages": [{"role": "system", "content": SPLIT}, {"role": "user", "content": "Hello?"}]},
        {"messages": [{"role": "user", "content": "Go on."}, {"role": "tool", "content": SPLIT, "tool_call_id": "1"}]},
        {"messages": [{"role": "user", "content": "Go on."}], "documents": [{"text": SPLIT}]},
        {
            "messages": [{"role": "user", "content": "Go on."}],
            "tools": [{"type": "function", "function": {"name": "f", "description": SPLIT}}],
        },
    ],
)
def test_what_the_model_reads_is_screened_wherever_a_special_token_splits_a_name(body: dict[str, Any]) -> None:
    found = screened(texts_of_chat(body), pads)
    assert NAME in found.text
    assert any(NAME in window for window in found.windows)
    assert NAME not in screened(texts_of_chat(body)).text


def test_a_special_token_between_two_words_is_read_as_a_space() -> None:
    found = screened(texts(("user", "Who is Jaime<|pad|>Vasquez?")), pads)
    assert NAME in found.text
    assert "Who is Jaime Vasquez?" in found.windows


def test_prompts_and_suffixes_are_read_so_too() -> None:
    found = screened(texts_of_completion({"prompt": ["a", SPLIT], "suffix": "Vas<|pad|>quez"}, lambda ids: ""), pads)
    assert {"Who is Jaime Vasquez?", "Vasquez"} <= set(found.windows)


def test_a_special_token_in_two_texts_is_read_where_they_meet() -> None:
    def meeting(text: str) -> list[str]:
        return [text.replace("<\n>", "")] if "<\n>" in text else []

    assert NAME in screened(texts(("user", "Who is Jaime Vas<"), ("user", ">quez?")), meeting).text


def test_without_special_tokens_nothing_is_read_twice() -> None:
    turns = texts(ABOUT, ANSWER, PARENTS)
    assert screened(turns, pads) == screened(turns)


ROLES = st.sampled_from(["system", "user", "assistant", "tool"])


@given(st.lists(st.tuples(ROLES, st.text(max_size=40)), min_size=1, max_size=8))
def test_any_conversation(turns: list[tuple[str, str]]) -> None:
    found = screened(texts(*turns))
    joined = "".join("".join(found.windows).split())
    for character in set("".join(text for _, text in turns)):
        assert (
            character.isspace()
            or character in joined
            or character in '"*_`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u300e\u300f'
        )
    assert len(set(found.windows)) == len(found.windows)
