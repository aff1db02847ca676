"""The one parser of request bodies.

The server must screen the same object that reaches the engine, so this module alone parses a body, and it refuses everything that
two parsers could read differently: duplicate keys (which one counts?), NaN and Infinity (not JSON), numbers that do not fit into
64 bits, lone surrogates (not text), a byte order mark, other encodings, compression. RFC 8259 leaves each of these to the
implementation (sections 4, 6, 8.1 and 8.2).

No message quotes the body. A message gives a place in the body or the name of a key.
"""

import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.message import Message as HeaderParser
from itertools import chain
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from server.errors import BadRequest, TooLarge, UnsupportedMedia
from server.http.envelope import path_of

JSON = "application/json"
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
# A string, closed or not. The quantifiers are possessive (Python 3.11): it is matched without backtracking, whatever its escapes.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^][{}]+")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
# Part of every number that is beyond 64 bits or too large for a float. Without it in the body, no hook need check the numbers.
_LARGE = re.compile(r"[0-9](?:[0-9]{18}|[eE]\+?[0-9]{3})")
# How many characters one search covers, and how many the next part overlaps it by. No other thread runs during a search.
_SEARCHED, _OVERLAP = 2**16, 19
_SURROGATE = re.compile(r"\\u[dD]")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be (bytes), how deep its arrays and objects may nest, and how many of them and values it may have.

    While Python makes very many values, no other thread runs for a long time.
    """

    bytes: int = 8 * 2**20
    depth: int = 64
    objects: int = 100_000
    values: int = 1_000_000


def parse_json(
    raw: bytes,
    *,
    content_type: str | None,
    content_encoding: str | None,
    limits: BodyLimits,
    wide: Collection[str] = (),
) -> dict[str, Any]:
    """Return the JSON object in `raw`.

    Args:
        raw: The body.
        content_type: The header of that name, None if it is missing.
        content_encoding: The header of that name, None if it is missing.
        limits: How large the body may be, how deep it may nest, and how much it may hold.
        wide: The fields in which integers may be as large as 2**64 - 1. Elsewhere the largest is 2**63 - 1.

    Raises:
        UnsupportedMedia: The body is not `application/json` in UTF-8, or it is compressed.
        TooLarge: It has more than `limits.bytes` bytes.
        BadRequest: It is not UTF-8, has a byte order mark, is not a JSON object, nests deeper or holds more than `limits` allow,
            or has a duplicate key at any level, NaN or Infinity (also as `1e999`), an integer beyond 64 bits, or a lone
            surrogate.
    """
    check_media(content_type, content_encoding)
    if len(raw) > limits.bytes:
        raise _too_large(limits)
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start}).", code="invalid_json") from None
    if text.startswith("\ufeff"):
        raise BadRequest("The body starts with a byte order mark: send UTF-8 without one.", code="invalid_json")
    if found := too_much(text, limits):
        raise BadRequest(f"The body {found}.", code="invalid_json")
    large = any(_LARGE.search(text, at, at + _SEARCHED + _OVERLAP) for at in range(0, len(text), _SEARCHED))
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer if large else None,
            parse_float=_float if large else None,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BadRequest(f"The body is not valid JSON: {error.msg} ({place}).", code="invalid_json") from None
    except RecursionError:  # only if the depth limit is close to the interpreter's own
        raise BadRequest("The body nests too deeply.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", code="invalid_json")
    if large:
        _check_integers(value, wide)
    # Strict UTF-8 has no surrogates, so only an escape can make one. Without such an escape the strings need not be searched.
    if _SURROGATE.search(text):
        for steps, string in _strings(value):
            if _has_surrogate(string):
                path = path_of(steps)
                raise BadRequest(
                    f"{path + ': a' if path else 'A'} string in the body has half of a surrogate pair (\\ud800 to \\udfff): "
                    "send both halves or neither.",
                    param=path or None,
                    code="invalid_json",
                )
    return value


async def read_body(receive: Receive, limits: BodyLimits, content_length: str | None = None) -> bytes:
    """Return the body of an ASGI request. Reading stops at the limit, whatever length the header gives.

    Raises:
        TooLarge: The header gives, or the body has, more than `limits.bytes` bytes.
        BadRequest: The Content-Length header is not a number.
        ClientDisconnect: The client left before the end of the body (Starlette's exception).
    """
    if content_length is not None:
        if not (content_length.isascii() and content_length.isdigit()):
            raise BadRequest("The Content-Length header is not a number.", code="invalid_header")
        if len(content_length) > 20 or int(content_length) > limits.bytes:
            raise _too_large(limits)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > limits.bytes:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return bytes(body)


def too_much(text: str, limits: BodyLimits) -> str | None:
    """Return what the JSON in `text` has too much of, as "nests deeper than 64 levels"; None if it is within the limits.

    Looks only at brackets and commas, without recursion. If it returns None for text that is not JSON, the parser gets no deeper
    than `limits.depth` before it refuses the text: strings are skipped exactly as JSON ends them, and every bracket outside of
    them counts.
    """
    opening = text.count("[") + text.count("{")
    if opening <= limits.depth and opening + text.count(",") <= limits.values:
        return None
    level = deepest = opened = values = 0
    for part in _outside_strings(text):
        brackets = _NOT_BRACKET.sub("", part)
        opened += brackets.count("[") + brackets.count("{")
        values += part.count(",")
        for step in map(_STEP.__getitem__, brackets):
            level += step
            deepest = max(deepest, level)
        if deepest > limits.depth:
            return f"nests deeper than {limits.depth} levels"
        if opened > limits.objects:
            return f"has more than {limits.objects} arrays and objects"
        if opened + values > limits.values:
            return f"has more than {limits.values} values"
    return None


def _outside_strings(text: str) -> Iterator[str]:
    """Yield what is outside of the strings, some at a time."""
    parts: list[str] = []
    size = end = 0
    for string in chain(_STRING.finditer(text), [None]):
        start = string.start() if string else len(text)
        for at in range(end, start, _SEARCHED):
            part = text[at : min(at + _SEARCHED, start)]
            parts.append(part)
            size += len(part)
            if size >= _SEARCHED:
                yield "".join(parts)
                parts, size = [], 0
        end = string.end() if string else start
    yield "".join(parts)


def _too_large(limits: BodyLimits) -> TooLarge:
    return TooLarge(f"The body is larger than {limits.bytes} bytes, the most that this server accepts.")


def check_media(content_type: str | None, content_encoding: str | None, media: Collection[str] = (JSON,)) -> str:
    """Return which of the types `media` a body has, from its headers.

    Raises:
        UnsupportedMedia: The body has another type or charset than UTF-8, or it is compressed.
    """
    header = HeaderParser()  # the standard library's parser of `type/subtype; name="value"`
    header["content-type"] = content_type or ""
    found = header.get_content_type()
    if found not in media or not content_type:
        raise UnsupportedMedia(f"The content type must be {' or '.join(media)}.")
    charset = header.get_param("charset")
    if charset is not None and str(charset).lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia("The charset must be utf-8.")
    if (content_encoding or "identity").strip().lower() != "identity":
        raise UnsupportedMedia("The server does not accept compressed request bodies: send the body without Content-Encoding.")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                # A key is the client's text too, so it is shortened, and json.dumps escapes it.
                raise BadRequest(f"Duplicate key {json.dumps(key[:64])} in the body: send it once.", code="duplicate_key")
            seen.add(key)
    return result


def _integer(literal: str) -> Any:
    # int() of a million digits takes quadratic time or raises an error of its own.
    return int(literal) if len(literal) <= 20 else _Beyond()


class _Beyond:
    """An integer that is beyond 64 bits."""


def _check_integers(body: dict[str, Any], wide: Collection[str]) -> None:
    for place, value in _leaves(body):
        if isinstance(value, _Beyond) or (type(value) is int and value not in _INT64):
            if type(value) is int and value in _UINT64 and place[0] in wide:
                continue
            path = path_of(place)
            raise BadRequest(f"{path}: an integer beyond 64 bits: send a smaller one.", param=path, code="invalid_value")


def _float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise BadRequest("The body has a number that is too large for a 64-bit float.", code="invalid_json")
    return value


def _constant(literal: str) -> NoReturn:
    raise BadRequest(f"The body is not valid JSON: {literal} is not a JSON number.", code="invalid_json")


def _strings(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each string with its place. The place of a key is that of its object."""
    return ((place, leaf) for place, leaf in _leaves(value) if isinstance(leaf, str))


def _leaves(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each key and each value that has no others in it, with its place. The place of a key is that of its object."""
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while pending:
        place, item = pending.pop()
        if isinstance(item, list):
            pending.extend(((*place, at), part) for at, part in enumerate(item))
        elif isinstance(item, dict):
            yield from ((place, key) for key in item)
            pending.extend(((*place, key), part) for key, part in item.items())
        else:
            yield place, item


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
