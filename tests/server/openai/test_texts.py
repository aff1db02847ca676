"""What the model reads is listed, whichever field it hides in."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadRequest
from server.openai.texts import texts_of_chat, texts_of_completion
from server.screening.conversation import Text, conversation, last_turn


def chat(*messages: Any, **fields: Any) -> list[tuple[str, str]]:
    return [(text.where, text.text) for text in texts_of_chat({"messages": list(messages), **fields})]


USER = {"role": "user", "content": "hi"}
HI = ("messages[0].content", "hi")


def test_nothing_but_a_question() -> None:
    assert chat(USER) == [HI]


MESSAGES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"role": "system", "content": "be kind"}, [(".content", "be kind")]),
    ({"role": "assistant", "content": None}, []),
    ({"role": "assistant"}, []),
    ({"role": "user", "content": []}, []),
    ({"role": "user", "content": ["one\n", "two"]}, [(".content[0]", "one\n"), (".content[1]", "two")]),
    # no white space at the seam: some templates print it as one word, some as two
    (
        {"role": "user", "content": ["A", "", "da"]},
        [(".content[0]", "A"), (".content[1]", ""), (".content[2]", "da"), (".content", "Ada")],
    ),
    (
        {"role": "user", "content": [{"type": "text", "text": "Ad"}, {"type": "input_text", "text": "a."}]},
        [(".content[0]", "Ad"), (".content[1]", "a."), (".content", "Ada.")],
    ),
    ({"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, [(".content[0]", "no")]),
    ({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]}, [(".content[0]", "hm")]),
    ({"role": "tool", "content": [{"type": "tool_reference", "name": "f"}]}, [(".content[0]", "f")]),
    # vLLM keeps what it does not know in a part, and templates print it
    (
        {"role": "user", "content": [{"type": "text", "text": "a", "title": "b"}]},
        [(".content[0]", "title\nb"), (".content[0]", "a")],
    ),
    ({"role": "user", "content": "a", "name": "Ada"}, [(".content", "a"), (".name", "Ada")]),
    ({"role": "assistant", "content": "a", "refusal": "no"}, [(".content", "a"), (".refusal", "no")]),
    ({"role": "assistant", "content": "a", "reasoning": "b"}, [(".content", "a"), (".reasoning", "b")]),
    ({"role": "assistant", "content": "a", "reasoning_content": "b"}, [(".content", "a"), (".reasoning_content", "b")]),
    ({"role": "tool", "tool_call_id": "c1", "content": "42"}, [(".content", "42"), (".tool_call_id", "c1")]),
    ({"role": "function", "name": "f", "content": "42"}, [(".content", "42"), (".name", "f")]),
    ({"role": "Ada Byron", "content": "a"}, [(".role", "Ada Byron"), (".content", "a")]),
    (
        {"role": "user", "content": "a", "unheard of": {"of": ["x", 7, None, True]}},
        [(".content", "a"), ("", "unheard of\nof\nx\n7")],
    ),
    (
        {"role": "developer", "content": "a", "tools": [{"function": {"name": "f"}}]},
        [(".content", "a"), (".tools", "function\nname\nf")],
    ),
    (
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": [1, "b"]}'}}]},
        [(".tool_calls[0]", "function\nname\nf\narguments\na\n1\nb")],
    ),
    (
        {"role": "assistant", "function_call": {"name": "f", "arguments": '{"a": "\\u0041da"}'}},
        [(".function_call", "name\nf\narguments\na\nAda")],
    ),
    (  # not JSON: as it stands; a duplicate key: both values
        {"role": "assistant", "tool_calls": [{"arguments": "{Ada"}, {"arguments": '{"a":"x","a":"y"}'}]},
        [(".tool_calls[0]", "arguments\n{Ada"), (".tool_calls[1]", "arguments\na\nx\na\ny")],
    ),
    ({"role": "assistant", "tool_calls": None}, []),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_messages(message: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert chat(message) == [(f"messages[0]{where}", text) for where, text in expected]


FIELDS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"who": {"enum": ["Ada"]}}}}}]},
        [("tools[0]", "type\nfunction\nfunction\nname\nf\nparameters\nproperties\nwho\nenum\nAda")],
    ),
    ({"documents": [{"title": "T", "text": "X"}, {}]}, [("documents[0]", "title\nT\ntext\nX")]),
    ({"tool_choice": "auto"}, []),
    ({"tool_choice": {"function": {"name": "f"}}}, [("tool_choice", "function\nname\nf")]),
    (
        {"response_format": {"json_schema": {"schema": {"const": "Ada"}}}},
        [("response_format", "json_schema\nschema\nconst\nAda")],
    ),
    ({"structured_outputs": {"choice": ["Ada", "Bob"]}}, [("structured_outputs", "choice\nAda\nBob")]),
    ({"structured_outputs": {"json": '{"const": "\\u0041da"}'}}, [("structured_outputs", "json\nconst\nAda")]),
    ({"structured_outputs": {"regex": "Ada|Bob"}}, [("structured_outputs", "regex\nAda|Bob")]),
    ({"structured_outputs": {"grammar": 'root ::= "Ada"'}}, [("structured_outputs", 'grammar\nroot ::= "Ada"')]),
    ({"tools": None, "documents": None, "response_format": None}, []),
    ({"stop": ["Ada"], "bad_words": ["Ada"], "user": "Ada", "model": "Ada"}, []),  # not read by the model
]


@pytest.mark.parametrize(("fields", "expected"), FIELDS)
def test_fields_of_a_chat(fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert chat(USER, **fields) == [HI, *expected]


DEEP = '{"a":' * 1000 + "1" + "}" * 1000

MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({}, "messages"),
    ({"messages": None}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": {"role": "user"}}, "messages"),
    ({"messages": [USER, "hi"]}, "messages[1]"),
    ({"messages": [{"content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "", "content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": 5, "content": "hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": {"type": "text", "text": "x"}}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["x", 5]}]}, "messages[0].content[1]"),
    ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": ["text"], "text": "x"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
    ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": ["x"]}]}]}, "messages[0].content[0].text"),
    ({"messages": [{"role": "user", "name": 5}]}, "messages[0].name"),
    ({"messages": [{"role": "assistant", "reasoning": ["x"]}]}, "messages[0].reasoning"),
    ({"messages": [{"role": "assistant", "tool_calls": {"function": {}}}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "tool_calls": ["f"]}]}, "messages[0].tool_calls[0]"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"arguments": DEEP}]}]}, "messages[0].tool_calls[0]"),
    ({"messages": [USER], "tools": {}}, "tools"),
    ({"messages": [USER], "tools": ["f"]}, "tools[0]"),
    ({"messages": [USER], "tools": [{"type": "function"}]}, "tools[0].function"),
    ({"messages": [USER], "tools": [{"function": {"description": "no name"}}]}, "tools[0].function.name"),
    ({"messages": [USER], "documents": "x"}, "documents"),
    ({"messages": [USER], "documents": ["x"]}, "documents[0]"),
]


@pytest.mark.parametrize(("body", "param"), MALFORMED)
def test_malformed_chats(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        texts_of_chat(body)
    assert caught.value.param == param
    assert caught.value.message.startswith(param)


def test_json_within_json_is_decoded_once() -> None:
    """As vLLM does; and so that no request can make it recurse further."""
    nested = "Ada"
    for _ in range(12):
        nested = json.dumps({"arguments": nested})
    [call] = texts_of_chat({"messages": [{"role": "assistant", "tool_calls": [{"arguments": nested}]}]})
    assert call.text == "arguments\narguments\n" + json.loads(nested)["arguments"]


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
    assert last_turn(texts_of_completion({"prompt": ["a", "b"]}, decode)) == "a\nb"


NAMES = st.sampled_from(["role", "content", "name", "tool_calls", "reasoning", "arguments", "type", "text", "x"])
LEAF = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["user", "text", "needle"])
ANYTHING = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_any_message_is_read_in_full_or_refused(message: dict[str, Any]) -> None:
    try:
        texts = texts_of_chat({"messages": [{"role": "user", **message}]})
    except BadRequest:
        return
    # ``type`` of a content part is the one string that is not text: it is one of a fixed list
    assert conversation(texts).count("needle") >= json.dumps(message).count('"needle"')
