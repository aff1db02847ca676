"""The one parser of request bodies.

What is screened and what reaches the engine must be the same object, so a body is parsed once, here, and everything two parsers
could read differently is refused instead of resolved: duplicate keys (which one counts?), NaN and Infinity (not JSON), numbers
that do not fit, lone surrogates (not text), a byte order mark, other encodings, compression. RFC 8259 leaves each of these to the
implementation (sections 4, 6, 8.1 and 8.2).

No message quotes the body: they give a place in it or the name of a key.
"""

import json
import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from email.message import Message as HeaderParser
from itertools import accumulate
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from server.errors import BadRequest, TooLarge, UnsupportedMedia

JSON = "application/json"
_INT64 = range(-(2**63), 2**63)
# A string, closed or not, in one step and without backtracking (possessive, Python 3.11), however many escapes it has.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^][{}]+")
_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
# What a number must have to be beyond 64 bits, or beyond a float: without it in the body, the hooks need not look at each number.
_LARGE = re.compile(r"[0-9](?:[0-9]{18}|[eE]\+?[0-9]{3})")
# Characters that are searched for one at a time, and how long one may be. A search stops all other threads.
_SEARCHED, _OVERLAP = 2**16, 19
_SURROGATE = re.compile(r"\\u[dD]")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be (bytes) and how deep its arrays and objects may nest."""

    bytes: int = 8 * 2**20
    depth: int = 64


def parse_json(raw: bytes, *, content_type: str | None, content_encoding: str | None, limits: BodyLimits) -> dict[str, Any]:
    """The JSON object in ``raw``, or an error; never a guess.

    Raises:
        UnsupportedMedia: not ``application/json`` in UTF-8, or compressed.
        TooLarge: more than ``limits.bytes``.
        BadRequest: not UTF-8 (or with a byte order mark), not JSON, not an object at the top, nested deeper than
            ``limits.depth``, a duplicate key at any level, NaN or Infinity (``1e999`` included), an integer beyond 64 bits,
            a lone surrogate in a string or key.
    """
    check_media(content_type, content_encoding)
    if len(raw) > limits.bytes:
        raise _too_large(limits)
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise BadRequest(f"The body is not valid UTF-8 (byte {error.start}).", code="invalid_json") from None
    if text.startswith("\ufeff"):
        raise BadRequest("The body starts with a byte order mark.", code="invalid_json")
    if deeper_than(text, limits.depth):
        raise BadRequest(f"The body nests deeper than {limits.depth} levels.", code="invalid_json")
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
    except RecursionError:  # only with a depth limit close to the interpreter's own
        raise BadRequest("The body nests too deeply.", code="invalid_json") from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.", code="invalid_json")
    # Strict UTF-8 has no surrogates, so only an escape can have made one; without such an escape the walk is not needed.
    if _SURROGATE.search(text) and any(_has_surrogate(string) for string in _strings(value)):
        raise BadRequest("A string in the body has half of a surrogate pair.", code="invalid_json")
    return value


async def read_body(receive: Receive, limits: BodyLimits, content_length: str | None = None) -> bytes:
    """The body of an ASGI request, chunks joined; reading stops at the limit, whatever the header announced.

    Raises:
        TooLarge: announced or received more than ``limits.bytes``.
        BadRequest: a Content-Length that is not a number.
        ClientDisconnect: the client went away before the end (Starlette's exception).
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


def deeper_than(text: str, depth: int) -> bool:
    """Whether the JSON in ``text`` nests arrays and objects deeper than ``depth``; looks at brackets only, without recursion.

    Text that is not JSON gets some answer too; the parser then refuses it. It must not be less than the parser's own depth at
    the point where that stops: strings are skipped exactly as JSON ends them, and everything outside them is counted.
    """
    if text.count("[") + text.count("{") <= depth:
        return False
    brackets = _NOT_BRACKET.sub("", _STRING.sub("", text))
    return any(level > depth for level in accumulate(map(_STEP.__getitem__, brackets)))


def _too_large(limits: BodyLimits) -> TooLarge:
    return TooLarge(f"The body is larger than {limits.bytes} bytes.")


def check_media(content_type: str | None, content_encoding: str | None, media: Collection[str] = (JSON,)) -> str:
    """Return which of `media` a body is, from its headers.

    Raises:
        UnsupportedMedia: another type, another charset than UTF-8, or a compressed body.
    """
    header = HeaderParser()  # the standard library's parser of ``type/subtype; name="value"``
    header["content-type"] = content_type or ""
    found = header.get_content_type()
    if found not in media or not content_type:
        raise UnsupportedMedia(f"The content type must be {' or '.join(media)}.")
    charset = header.get_param("charset")
    if charset is not None and str(charset).lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia("The charset must be utf-8.")
    if (content_encoding or "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Compressed request bodies are not accepted.")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                # A key is the client's text as well: shown short, and escaped by json.dumps.
                raise BadRequest(f"Duplicate key {json.dumps(key[:64])} in the body.", code="duplicate_key")
            seen.add(key)
    return result


def _integer(literal: str) -> int:
    # The length is looked at first: int() of a million digits takes quadratic time, or raises its own error.
    if len(literal) > 20 or (value := int(literal)) not in _INT64:
        raise BadRequest("The body has an integer beyond 64 bits.", code="invalid_json")
    return value


def _float(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):
        raise BadRequest("The body has a number that is too large.", code="invalid_json")
    return value


def _constant(literal: str) -> NoReturn:
    raise BadRequest(f"{literal} is not JSON.", code="invalid_json")


def _strings(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            yield from item
            pending.extend(item.values())


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)
