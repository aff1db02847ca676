"""The texts in the fields of a request: functions that every dialect uses.

They return too much rather than too little. vLLM passes unknown keys to the chat template, which may print them, so they return
each string, each number and each key of an object. They decode JSON inside a string (tool arguments, schemas) first, because vLLM
decodes it before the template prints it: the model reads `"Ada\\u0020Byron"` as "Ada Byron".

`Text.where` names the place for error messages. Texts are never logged: their `repr` leaves the text out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from server.errors import BadRequest
from server.http.body import BodyLimits, too_much
from server.screening.conversation import Text

_JSON_IN_STRING: Final = frozenset({"arguments", "json", "structural_tag"})


def schemas(body: Mapping[str, Any]) -> list[Text]:
    """Return the texts of the schemas that the answer to a request must follow."""
    return [text for key in ("response_format", "structured_outputs") for text in joined(body.get(key), key)]


def joined(value: Any, where: str, message: int | None = None, role: str | None = None) -> list[Text]:
    """Return all strings and numbers in `value` as one text with one per line; [] if there are none."""
    lines = list(_leaves(value, where))
    return [Text("\n".join(lines), where, message, role)] if lines else []


def _leaves(value: Any, where: str, key: str = "") -> Iterator[str]:
    """Yield strings, numbers and keys in reading order.

    JSON in a string is decoded once, as vLLM does it. So the depth limits of the body and of that JSON bound the recursion.
    """
    if isinstance(value, str):
        pairs = _parsed(value, where) if key in _JSON_IN_STRING else None
        if pairs is None:
            yield value
        else:
            yield from _leaves(pairs, where)
    elif isinstance(value, _Pairs):
        for name, item in value:
            yield name
            yield from _leaves(item, where)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _leaves(item, where, name)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its pairs: of a duplicate key, vLLM reads one of the values, and the server screens both."""


def _parsed(text: str, where: str) -> Any:
    """Return the JSON in `text` with its objects as `_Pairs`, None if it is not JSON."""
    if found := too_much(text, BodyLimits()):
        raise bad(where, f"has JSON that {found}")
    try:
        # Numbers stay text as they are written, so that none is rounded and none has too many digits.
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        return None


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """Return `value` as a list of objects, [] for None. Raises BadRequest for anything else, with the place `where`."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad(where, "must be a list")
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            raise bad(f"{where}[{i}]", "must be an object")
    return value


def string(value: Any, where: str) -> str:
    """Return `value` as a string. Raises BadRequest for anything else, with the place `where`."""
    if not isinstance(value, str):
        raise bad(where, "must be a string")
    return value


def bad(where: str, what: str) -> BadRequest:
    """Return the error that at the place `where` something is wrong; `what` completes the sentence."""
    return BadRequest(f"{where} {what}.", param=where, code="invalid_value")
