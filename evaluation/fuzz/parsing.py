"""Random input to what reads untrusted input: bodies, the fields of a request, event streams, and text to fold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from evaluation.fuzz.findings import Findings
from guard.folding import StreamFolder, fold, fold_sentences
from server.answers.events import EventReader, written
from server.app import DIALECTS
from server.errors import ServerError
from server.http.body import JSON, BodyLimits, parse_json
from server.http.requestlimits import RequestLimits

_WORDS = st.sampled_from(
    ("role", "user", "content", "text", "type", "messages", "prompt", "input", "n", "stream", "tools", "name")
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text() | _WORDS
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=8), inner, max_size=4)
)
# Near JSON, so that more than the first character is read.
_BROKEN = st.text(alphabet='{}[]":,\\u0dE1-e.aN \n', max_size=80).map(str.encode) | st.binary(max_size=80)
_STREAM = st.lists(st.sampled_from((b"data: ", b"data:", b"event: a", b": x", b"\n", b"\r", b"\r\n", b"\n\n", b"x", b"\xff")))
_CUTS = st.lists(st.integers(0, 200), max_size=12)
_LETTERS = st.text() | st.text(alphabet=".. !?é,ab。哈ßİſ\u0301\u200d\u00ad1²½ﬁ", max_size=40)


class Tokens:
    """A tokenizer of 256 tokens, one for each byte, for dialects that read token ids."""

    vocabulary = 256
    context_length = 2048
    developer = True

    def decode(self, ids: Any) -> str:
        """Return the text of ids."""
        return bytes(i % 256 for i in ids).decode("latin-1")

    def readings(self, text: str) -> list[str]:
        """Return the text itself."""
        return [text]

    def least_tokens(self, text: str) -> int:
        """Return a lower bound of the number of tokens."""
        return len(text) // 32

    def enforces(self, schema: Any) -> bool:
        """Every schema can be enforced."""
        return True


def body(raw: bytes) -> None:
    """A body is refused with an error of the server's, or read as Python's parser reads it."""
    try:
        read = parse_json(raw, content_type=JSON, content_encoding=None, limits=BodyLimits())
    except ServerError as error:
        _is_refusal(error)
        return
    assert read == json.loads(raw)


def requested(body: dict[str, Any]) -> None:
    """Every dialect refuses a request with a 4xx, or reads its texts."""
    for dialect in DIALECTS:
        try:
            dialect.read(dialect.given(body), Tokens(), RequestLimits())
        except ServerError as error:
            _is_refusal(error)


def _is_refusal(error: ServerError) -> None:
    if not 400 <= error.status < 500:
        raise AssertionError(f"the status is {error.status}") from error


def stream(data: tuple[bytes, list[int]]) -> None:
    """A stream reads alike however it is cut, and as it is written."""
    raw, cuts = data
    whole = EventReader()
    events = [*whole.feed(raw), *whole.end()]
    reader, parts, start = EventReader(), [], 0
    for cut in sorted(cut for cut in cuts if cut <= len(raw)):
        parts += reader.feed(raw[start:cut])
        start = cut
    parts += [*reader.feed(raw[start:]), *reader.end()]
    # What is held back differs where a carriage return is the last byte, but not what is said.
    assert [(e.name, e.data) for e in parts if e.data] == [(e.name, e.data) for e in events if e.data]
    again = EventReader()
    copied = again.feed(b"".join(written(event) for event in events))
    assert [(e.name, e.data) for e in copied if e.data] == [(e.name, e.data) for e in events if e.data]


def folded(data: tuple[str, list[int]]) -> None:
    """A folded text has nothing left to fold, and a text in pieces of bytes folds as the whole."""
    text, cuts = data
    once = fold(text)
    assert fold(once) == once
    assert re.search(r"[. ]{2}", once) is None
    raw = text.encode("utf-8", "replace")
    folder, out, start = StreamFolder(), b"", 0
    for cut in sorted(cut for cut in cuts if cut <= len(raw)):
        out += folder.feed(raw[start:cut])
        start = cut
    out += folder.feed(raw[start:])
    assert out.decode() == fold_sentences(raw.decode())


_MESSAGES = st.fixed_dictionaries(
    {"model": st.just("demo")},
    optional={
        "messages": st.lists(st.dictionaries(_WORDS, _VALUES, max_size=4) | _VALUES, max_size=4) | _VALUES,
        "prompt": _VALUES | st.lists(st.integers(-2, 300), max_size=5),
        "input": _VALUES,
        "stream": _VALUES,
        "tools": _VALUES,
        "n": _VALUES,
        "max_tokens": _VALUES,
        "response_format": _VALUES,
        "logit_bias": _VALUES,
    },
)
PROPERTIES: dict[str, tuple[Callable[[Any], None], st.SearchStrategy[Any]]] = {
    "body": (body, _BROKEN | _VALUES.map(lambda value: json.dumps(value).encode())),
    "request": (requested, _MESSAGES),
    "stream": (stream, st.tuples(_STREAM.map(b"".join) | st.binary(max_size=200), _CUTS)),
    "folding": (folded, st.tuples(_LETTERS, _CUTS)),
}
"""What must hold, and of which input, by name."""


def try_all(findings: Findings, number: int, examples: int) -> None:
    """Try `examples` inputs of each property.

    Args:
        findings: Where counts and counterexamples go.
        number: The seed: another one makes other inputs.
        examples: How many inputs each property gets.
    """
    for name, (holds, inputs) in PROPERTIES.items():
        _try(name, holds, inputs, findings, number, examples)


def _try(
    name: str, holds: Callable[[Any], None], inputs: st.SearchStrategy[Any], findings: Findings, number: int, examples: int
) -> None:
    @seed(number)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(inputs)
    def attempt(value: Any) -> None:
        findings.tried[name] += 1
        try:
            holds(value)
        except Exception as error:
            findings.add(f"{name}: {type(error).__name__}", ascii(value)[:2000])

    attempt()
