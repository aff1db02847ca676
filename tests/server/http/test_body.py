"""One parser: what it accepts is what the standard library reads, and whatever two parsers could read differently is refused."""

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect
from starlette.types import Message

from server.errors import BadRequest, ServerError, TooLarge, UnsupportedMedia
from server.http.body import BodyLimits, parse_json, read_body, too_much

JSON = "application/json"
LIMITS = BodyLimits()


def parse(raw: bytes, limits: BodyLimits = LIMITS, wide: tuple[str, ...] = ()) -> dict[str, Any]:
    return parse_json(raw, content_type=JSON, content_encoding=None, limits=limits, wide=wide)


ACCEPTED: list[tuple[bytes, dict[str, Any]]] = [
    (b"{}", {}),
    (b' \n{"a" : [1, -2.5, true, null, "x"]}\t', {"a": [1, -2.5, True, None, "x"]}),
    ('{"a":"ä😀"}'.encode(), {"a": "ä😀"}),
    (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),  # a pair of escapes is one character
    (b'{"a":"\\u0000"}', {"a": "\0"}),
    (b'{"a":{"x":1},"b":{"x":2}}', {"a": {"x": 1}, "b": {"x": 2}}),  # equal keys in different objects
    (b'{"a":9223372036854775807,"b":-9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
    (b'{"a":1e308,"b":1.5E-999}', {"a": 1e308, "b": 0.0}),
    (b'{"a":"[[[[{{{{\\"]]"}', {"a": '[[[[{{{{"]]'}),
]


@pytest.mark.parametrize(("raw", "value"), ACCEPTED)
def test_accepted(raw: bytes, value: dict[str, Any]) -> None:
    assert parse(raw) == value


REFUSED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "not valid JSON"),
    ("not json", b"{", "not valid JSON"),
    ("trailing", b"{} {}", "not valid JSON"),
    ("single quotes", b"{'a':1}", "not valid JSON"),
    ("trailing comma", b'{"a":1,}', "not valid JSON"),
    ("comment", b'{"a":1}//', "not valid JSON"),
    ("raw control character", b'{"a":"\n"}', "not valid JSON"),
    ("latin-1", b'{"a":"\xe4"}', "UTF-8 (byte 6)"),
    ("overlong", b'{"a":"\xc0\xaf"}', "UTF-8"),
    ("encoded surrogate", b'{"a":"\xed\xa0\x80"}', "UTF-8"),
    ("utf-16", '{"a":1}'.encode("utf-16"), "UTF-8"),
    ("utf-16 without mark", '{"a":1}'.encode("utf-16-le"), "not valid JSON"),
    ("byte order mark", b'\xef\xbb\xbf{"a":1}', "byte order mark"),
    ("list", b"[]", "object"),
    ("string", b'"a"', "object"),
    ("null", b"null", "object"),
    ("duplicate", b'{"model":1,"model":2}', '"model"'),
    ("duplicate by escape", b'{"model":1,"mod\\u0065l":2}', '"model"'),
    ("duplicate below", b'{"a":[{"b":{"c":1,"d":2,"c":1}}]}', '"c"'),
    ("nan", b'{"a":NaN}', "NaN"),
    ("infinity", b'{"a":[Infinity]}', "Infinity"),
    ("minus infinity", b'{"a":-Infinity}', "-Infinity"),
    ("overflow", b'{"a":1e999}', "too large"),
    ("overflow, spelt with a sign", b'{"a":-2.5E+999}', "too large"),
    ("overflow, spelt with zeros", b'{"a":1e000999}', "too large"),
    ("overflow, spelt out", b'{"a":' + b"9" * 400 + b".0}", "too large"),
    ("64 bits and more", b'{"a":9223372036854775808}', "64 bits"),
    ("64 bits and less", b'{"a":-9223372036854775809}', "64 bits"),
    ("million digits", b'{"a":' + b"9" * 1_000_000 + b"}", "64 bits"),
    ("high surrogate", b'{"a":"\\ud83d"}', "surrogate"),
    ("low surrogate", b'{"a":["\\uDE00x"]}', "surrogate"),
    ("surrogate in a key", b'{"a":{"\\udfff":1}}', "surrogate"),
    ("surrogates the wrong way round", b'{"a":"\\ude00\\ud83d"}', "surrogate"),
    ("deep lists", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deeper than 64"),
    ("deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deeper than 64"),
    ("deep and unclosed", b"[" * 1_000_000, "deeper than 64"),
    ("one too deep", b"[" * 65 + b"]" * 65, "deeper than 64"),
]


@pytest.mark.parametrize(("raw", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(raw: bytes, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(raw)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (f'{{"seed":{2**64}}}', "seed"),
        (f'{{"seed":{2**64 - 1}}}', "seed"),
        (f'{{"schema":[1,{{"maximum":{2**64}}}]}}', "schema[1].maximum"),
        (f'{{"schema":{{"minimum":{-(2**63) - 1}}}}}', "schema.minimum"),
        (f'{{"schema":{{"maximum":{"9" * 5000}}}}}', "schema.maximum"),
    ],
)
def test_peers_p8_an_integer_beyond_64_bits_names_its_place(raw: str, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(raw.encode(), wide=("schema",))
    assert (caught.value.param, caught.value.code) == (param, "invalid_value")


def test_clients_18_some_fields_may_have_all_64_bits() -> None:
    body = {"schema": {"maximum": 2**64 - 1, "minimum": 2**63}, "text": "1" * 30}
    assert parse(json.dumps(body).encode(), wide=("schema",)) == body


def test_depth_at_the_limit_is_accepted() -> None:
    raw = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    assert parse(raw) == json.loads(raw)


def test_a_depth_limit_beyond_the_interpreter_is_still_an_error() -> None:
    raw = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(BadRequest):
        parse(raw, BodyLimits(depth=10**6))


def test_size() -> None:
    limits = BodyLimits(bytes=10)
    assert parse(b'{"a":1234}', limits) == {"a": 1234}
    with pytest.raises(TooLarge):
        parse(b'{"a":12345}', limits)


def test_messages_do_not_quote_the_body() -> None:
    secret = "Ada Byron"
    for raw in (f'{{"a":"{secret}" "b"}}', f'{{"{secret * 20}":1,"{secret * 20}":2}}'):
        with pytest.raises(BadRequest) as caught:
            parse(raw.encode())
        assert len(caught.value.message) < 120
    with pytest.raises(BadRequest) as caught:
        parse(f'{{"a":"{secret}\\ud800"}}'.encode())
    assert secret not in caught.value.message


MEDIA: list[tuple[str | None, str | None, bool]] = [
    (JSON, None, True),
    ("Application/JSON", "identity", True),
    ("application/json; charset=utf-8", "", True),
    ('application/json;charset="UTF-8"', " Identity ", True),
    ("application/json; profile=x", None, True),
    (None, None, False),
    ("", None, False),
    ("text/plain", None, False),
    ("application/x-www-form-urlencoded", None, False),
    ("application/json2", None, False),
    ("application/problem+json", None, False),
    ("application/json, text/plain", None, False),
    ("text/plain; application/json", None, False),
    ("application/json; charset=utf-16", None, False),
    ("application/json; charset=latin-1", None, False),
    (JSON, "gzip", False),
    (JSON, "identity, gzip", False),
    (JSON, "br", False),
]


@pytest.mark.parametrize(("content_type", "encoding", "accepted"), MEDIA)
def test_media(content_type: str | None, encoding: str | None, accepted: bool) -> None:
    if accepted:
        assert parse_json(b"{}", content_type=content_type, content_encoding=encoding, limits=LIMITS) == {}
    else:
        with pytest.raises(UnsupportedMedia):
            parse_json(b"{}", content_type=content_type, content_encoding=encoding, limits=LIMITS)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20)


@given(st.dictionaries(TEXT, VALUE, max_size=5), st.booleans(), st.sampled_from([None, 1]))
@pytest.mark.slow
def test_agrees_with_the_standard_library(value: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert parse(raw) == json.loads(raw) == value


@given(st.lists(st.tuples(TEXT, SCALAR), max_size=5), TEXT, st.data())
def test_duplicate_keys_are_always_refused(pairs: list[tuple[str, Any]], key: str, data: st.DataObject) -> None:
    for value in (1, 2):
        pairs.insert(data.draw(st.integers(0, len(pairs))), (key, value))
    inner = "{" + ",".join(f"{json.dumps(k, ensure_ascii=data.draw(st.booleans()))}:{json.dumps(v)}" for k, v in pairs) + "}"
    with pytest.raises(BadRequest) as caught:
        parse(data.draw(st.sampled_from(["{}", '{{"a":{}}}', '{{"a":[1,{}]}}'])).format(inner).encode())
    assert caught.value.code == "duplicate_key"


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0dE1-e.aN \n', max_size=60).map(lambda text: text.encode()))
def test_any_bytes_give_an_object_or_a_server_error(raw: bytes) -> None:
    try:
        value = parse(raw)
    except ServerError:
        return
    assert value == json.loads(raw.decode())


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


BRACKETS = st.text('[]{}"\\a', max_size=8)


@given(st.recursive(BRACKETS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(BRACKETS, inner, max_size=3)))
def test_depth_is_counted_outside_strings(value: Any) -> None:
    text, depth = json.dumps(value), depth_of(value)
    assert too_much(text, BodyLimits(depth=depth)) is None
    assert depth == 0 or too_much(text, BodyLimits(depth=depth - 1)) == f"nests deeper than {depth - 1} levels"


def counts(value: Any) -> tuple[int, int]:
    """The arrays and objects in a value, and these and the commas."""
    if not isinstance(value, dict | list):
        return 0, 0
    inner = [counts(item) for item in (value.values() if isinstance(value, dict) else value)]
    objects, values = (sum(each[at] for each in inner) for at in (0, 1))
    return objects + 1, values + 1 + max(0, len(inner) - 1)


@given(st.recursive(BRACKETS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(BRACKETS, inner, max_size=3)))
def test_f2_arrays_objects_and_values_are_counted_outside_strings(value: Any) -> None:
    text, (objects, values) = json.dumps(value), counts(value)
    assert too_much(text, BodyLimits(depth=0, objects=objects, values=values) if not objects else BodyLimits()) is None
    if objects:
        assert too_much(text, BodyLimits(objects=objects, values=values)) is None
        assert too_much(text, BodyLimits(depth=99, values=values - 1)) == f"has more than {values - 1} values"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"a": [' + ",".join(["[]"] * 100_001) + "]}", "has more than 100000 arrays and objects"),
        ('{"a": [' + ",".join(["1"] * 1_000_001) + "]}", "has more than 1000000 values"),
        ('{"a": [' + ",".join(['"b"'] * 1_000_001) + "]}", "has more than 1000000 values"),
    ],
)
@pytest.mark.slow
def test_f2_very_many_values_are_refused_before_they_are_made(body: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        parse_json(body.encode(), content_type="application/json", content_encoding=None, limits=BodyLimits())


def chunks(*parts: bytes, end: Message | None = None) -> tuple[Any, list[Message]]:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append(end or {"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0)

    return receive, messages


def read(receive: Any, limit: int = 10, length: str | None = None) -> bytes:
    return anyio.run(read_body, receive, BodyLimits(bytes=limit), length)


def test_chunks_are_joined() -> None:
    assert read(chunks(b"ab", b"", b"cd")[0]) == b"abcd"
    assert read(chunks(b"0123456789")[0], length="10") == b"0123456789"
    assert read(chunks(end={"type": "http.request"})[0]) == b""


def test_reading_stops_at_the_limit() -> None:
    receive, left = chunks(b"0123456", b"789a", b"never read", b"never read")
    with pytest.raises(TooLarge):
        read(receive)
    assert len(left) == 3


@pytest.mark.parametrize("length", ["11", "9" * 5000])
def test_announced_length_over_the_limit_reads_nothing(length: str) -> None:
    receive, left = chunks(b"x")
    with pytest.raises(TooLarge):
        read(receive, length=length)
    assert len(left) == 2


@pytest.mark.parametrize("length", ["", "-1", "1.0", "0x10", "٣", "1, 1"])
def test_announced_length_must_be_a_number(length: str) -> None:
    with pytest.raises(BadRequest):
        read(chunks(b"x")[0], length=length)


def test_disconnect() -> None:
    with pytest.raises(ClientDisconnect):
        read(chunks(b"ab", end={"type": "http.disconnect"})[0])


@pytest.mark.parametrize("at", range(2**16 - 24, 2**16 + 4))
@pytest.mark.parametrize("number", ["9223372036854775808", "1e999", "1E+400"])
def test_a_large_number_is_found_wherever_it_stands(at: int, number: str) -> None:
    raw = ('{"a":' + " " * (at - 5) + number + "}" + " " * 100).encode()
    with pytest.raises(BadRequest):
        parse_json(raw, content_type="application/json", content_encoding=None, limits=BodyLimits())
