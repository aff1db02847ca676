"""Chat completions: what the model reads is listed, whichever field it hides in, and only text passes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import BadRequest
from server.openai.chat import CHAT, TEXT_PARTS, texts_of_chat
from server.openai.fields import GUARD_CONFLICT
from server.screening.conversation import conversation


def chat(*messages: Any, **fields: Any) -> list[tuple[str, str]]:
    return [(text.where, text.text) for text in texts_of_chat({"messages": list(messages), **fields})]


USER = {"role": "user", "content": "hi"}
HI = ("messages[0].content", "hi")


def test_nothing_but_a_question() -> None:
    assert chat(USER) == [HI]


MESSAGES: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"role": "system", "content": "be kind"}, [(".content", "be kind")]),
    # It ends a turn, so it has a place.
    ({"role": "assistant", "content": None}, [(".content", "")]),
    ({"role": "assistant"}, [(".content", "")]),
    ({"role": "user", "content": []}, [(".content", "")]),
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
    ({"role": "assistant", "tool_calls": None}, [(".content", "")]),
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


NAMES = st.sampled_from(["role", "content", "name", "tool_calls", "reasoning", "arguments", "type", "text", "x"])
LEAF = st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["user", "text", "needle"])
ANYTHING = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
@pytest.mark.slow
def test_any_message_is_read_in_full_or_refused(message: dict[str, Any]) -> None:
    try:
        texts = texts_of_chat({"messages": [{"role": "user", **message}]})
    except BadRequest:
        return
    # `type` of a content part is the one string that is not text: it is one of a fixed list
    assert conversation(texts).count("needle") >= json.dumps(message).count('"needle"')


PARTS: list[tuple[Any, bool]] = [
    ("plain", True),
    ({"type": "text", "text": "x"}, True),
    ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, True),
    ({"type": "refusal", "refusal": "x"}, True),
    ({"type": "thinking", "thinking": "x"}, True),
    ({"type": "tool_reference", "name": "x"}, True),
    ({"type": "image_url", "image_url": {"url": "data:,"}}, False),
    ({"type": "input_image", "image_url": "x"}, False),
    ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}, False),
    ({"type": "video_url", "video_url": {"url": "x"}}, False),
    ({"type": "file", "file": {"file_id": "x"}}, False),
    ({"type": "prompt_embeds", "data": "x"}, False),
    ({"type": "image_embeds", "image_embeds": "x"}, False),
    ({"type": "something"}, False),
    ({"type": ["text"], "text": "x"}, False),
    ({"image_url": "x"}, False),
    ({"text": "x"}, False),
    # vLLM reads this one as an image, because of the uuid
    ({"type": "text", "text": "x", "uuid": "1", "image_url": "x"}, False),
    ({"type": "text", "text": "x", "uuid": "1"}, False),
]


@pytest.mark.parametrize(("part", "text"), PARTS)
@pytest.mark.parametrize("role", ["user", "system", "tool", "assistant"])
def test_only_text_parts(part: Any, text: bool, role: str) -> None:
    body = {"messages": [{"role": "user", "content": "x"}, {"role": role, "content": ["first", part]}]}
    if text:
        CHAT.check(body)
    else:
        with pytest.raises(BadRequest) as caught:
            CHAT.check(body)
        assert (caught.value.param, caught.value.code) == ("messages[1].content[1]", GUARD_CONFLICT)


def test_audio_of_an_assistant_message() -> None:
    with pytest.raises(BadRequest) as caught:
        CHAT.check({"messages": [{"role": "assistant", "audio": {"id": "a"}}]})
    assert caught.value.param == "messages[0].audio"


@pytest.mark.parametrize("messages", [None, "x", 5, [], ["x"], [None], [{"content": 5}], [{"content": [5]}]])
def test_malformed_messages_are_left_to_the_reader(messages: Any) -> None:
    CHAT.check({"messages": messages})


def test_every_content_part_of_vllm_is_judged() -> None:
    utils = pytest.importorskip("vllm.renderers.chat_utils")
    text = utils.TEXT_PART_TYPES | {"tool_reference"}
    assert set(TEXT_PARTS) == text
    for kind in set(utils.MM_PARSER_MAP) - text:
        for part in ({"type": kind, kind: "x"}, {"type": "text", "text": "x", kind: "x"}, {kind: "x"}):
            with pytest.raises(BadRequest):
                CHAT.check({"messages": [{"role": "user", "content": [part]}]})
