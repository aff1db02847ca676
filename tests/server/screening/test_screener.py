"""What is screened of a conversation: every text, and the last question with what it refers to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    short = [("user", "Who was he?"), ("assistant", "An author.")] * 3
    for turns in (short, short * 100, [(role, text * 500) for role, text in short]):
        found = referred(texts(*turns, PARENTS))
        assert len(found) <= 4
        assert all(len(text) <= 500 for text in found)
        assert all(text.endswith(PARENTS[1]) for text in found)


def test_nothing_before_the_last_question() -> None:
    assert referred(texts(PARENTS)) == []
    assert referred(texts(("system", "Be kind."))) == []
    assert referred(texts_of_completion({"prompt": "a"}, lambda ids: "")) == []
    assert screened(texts(("user", "  "))).windows == ()


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
