"""A conversation: what is asked now, across parts and messages."""

from __future__ import annotations

import pytest

from server.openai.chat import texts_of_chat
from server.openai.completions import texts_of_completion
from server.screening.conversation import Text, asked, conversation, last_turn

USER = {"role": "user", "content": "hi"}


def test_texts_do_not_show_in_a_repr() -> None:
    assert "Ada" not in repr(Text("Ada", "messages[0].content"))


def test_conversation_lies_across_parts_and_messages() -> None:
    texts = texts_of_chat({"messages": [{"role": "user", "content": "Ada"}, {"role": "assistant", "content": "Byron"}]})
    assert conversation(texts) == "Ada\nByron"


TURNS: list[tuple[list[str], str]] = [
    (["user"], "0"),
    (["system", "user", "assistant", "user"], "3"),
    (["system", "user", "assistant", "tool"], "1\n2\n3"),
    (["user", "assistant"], "0\n1"),
    (["system", "assistant"], "0\n1"),
]


@pytest.mark.parametrize(("roles", "expected"), TURNS)
def test_last_turn(roles: list[str], expected: str) -> None:
    body = {"messages": [{"role": role, "content": str(i)} for i, role in enumerate(roles)]}
    assert last_turn(texts_of_chat(body)) == expected


def test_last_turn_leaves_out_tools_and_documents_unless_there_is_no_turn() -> None:
    assert last_turn(texts_of_chat({"messages": [USER], "documents": [{"text": "x"}]})) == "hi"
    assert last_turn(texts_of_completion({"prompt": ["a", "b"]}, lambda ids: "")) == "a\nb"


@pytest.mark.parametrize(
    ("roles", "expected"),
    [(["user"], "0"), (["system", "user", "assistant", "user", "tool"], "3"), (["system", "assistant"], "0\n1")],
)
def test_asked_is_the_last_user_message_alone(roles: list[str], expected: str) -> None:
    body = {"messages": [{"role": role, "content": str(i)} for i, role in enumerate(roles)], "documents": []}
    assert asked(texts_of_chat(body)) == expected
