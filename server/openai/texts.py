"""Every text of a request that the model will read.

The list errs on the side of too much. vLLM hands a message's unknown keys, custom roles and the unknown keys of a content part
to the chat template, which may print them (seen: pydantic keeps them, ``extra`` and all), so everything in a message that is a
string or a number counts, keys of objects included. JSON inside a string (tool arguments, schemas) is decoded first, because
vLLM decodes it before the template prints it: ``"Ada\\u0020Byron"`` reads "Ada Byron" to the model.

Parts are joined as the model may see them: a template of the "string" kind puts a newline between two parts of a content list,
one of the "openai" kind nothing. Where the two differ (a word continues across the seam) both are listed.

`Text.where` names the place for error messages. Texts are never logged: their ``repr`` leaves the text out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from server.errors import BadRequest
from server.http.body import BodyLimits, deeper_than
from server.openai.fields import TEXT_PARTS
from server.screening.conversation import Text

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_JSON_IN_STRING: Final = frozenset({"arguments", "json", "structural_tag"})
_STRING_KEYS: Final = ("name", "reasoning", "reasoning_content", "refusal", "tool_call_id", "task")
_KNOWN_KEYS: Final = frozenset(_STRING_KEYS) | {"function_call", "tools", "annotations"}


def texts_of_chat(body: Mapping[str, Any]) -> list[Text]:
    """All texts of a chat completion request, in the order of the conversation, then tools, documents and schemas.

    Raises:
        BadRequest: messages missing, empty or not a list; a message without a role or with content that is not text; tools,
            documents or tool calls that are not lists of objects. ``param`` names the place.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad("messages", "must be a list with at least one message")
    texts = [text for i, message in enumerate(messages) for text in _of_message(message, i)]
    for i, tool in enumerate(_objects(body.get("tools"), "tools")):
        _check_tool(tool, f"tools[{i}]")
        texts += _joined(tool, f"tools[{i}]")
    for i, document in enumerate(_objects(body.get("documents"), "documents")):
        texts += _joined(document, f"documents[{i}]")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        texts += _joined(choice, "tool_choice")
    return texts + _of_schemas(body)


def texts_of_completion(
    body: Mapping[str, Any], decode: Callable[[Sequence[int]], str], *, vocabulary: int | None = None
) -> list[Text]:
    """All texts of a completion request: the prompt or prompts, token ids decoded with ``decode``, and the suffix.

    ``vocabulary`` is the number of token ids; without it, ids too large are left to ``decode`` (which may pass over them
    silently, as the fast tokenizers do) and to vLLM (which refuses them).

    Raises:
        BadRequest: no prompt, an empty one, or one that is not a string, a list of strings, a list of token ids or a list of
            lists of them; a token id that is no integer, negative or outside the vocabulary.
    """
    prompt = body.get("prompt")
    texts: list[Text] = []
    if isinstance(prompt, str) and prompt:
        texts.append(Text(prompt, "prompt"))
    elif isinstance(prompt, list) and prompt:
        if all(isinstance(item, str) for item in prompt):
            texts += [Text(item, f"prompt[{i}]") for i, item in enumerate(prompt)]
        elif all(isinstance(item, list) for item in prompt):
            texts += [Text(_decoded(item, decode, vocabulary, f"prompt[{i}]"), f"prompt[{i}]") for i, item in enumerate(prompt)]
        else:
            texts.append(Text(_decoded(prompt, decode, vocabulary, "prompt"), "prompt"))
    else:
        raise _bad("prompt", "must be a string, a list of strings, a list of token ids or a list of lists of them, and not empty")
    suffix = body.get("suffix")
    if suffix is not None:
        texts.append(Text(_string(suffix, "suffix"), "suffix"))
    return texts + _of_schemas(body)


def _of_message(message: Any, index: int) -> Iterator[Text]:
    here = f"messages[{index}]"
    if not isinstance(message, dict):
        raise _bad(here, "must be an object")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise _bad(f"{here}.role", "is missing or not a string")
    if role not in ROLES:  # vLLM accepts any role, and templates print it
        yield Text(role, f"{here}.role", index, role)
    for text, where in _of_content(message.get("content"), f"{here}.content"):
        yield Text(text, where, index, role)
    for i, call in enumerate(_objects(message.get("tool_calls"), f"{here}.tool_calls")):
        yield from _joined(call, f"{here}.tool_calls[{i}]", index, role)
    for key in _STRING_KEYS:
        if message.get(key) is not None:
            _string(message[key], f"{here}.{key}")
    for key, value in message.items():
        if value is None or key in ("role", "content", "tool_calls"):
            continue
        # A name nobody knows may be printed too, and may be any text: it counts, and does not show in ``where``.
        known = key in _KNOWN_KEYS
        yield from _joined(value if known else {key: value}, f"{here}.{key}" if known else here, index, role)


def _of_content(content: Any, here: str) -> Iterator[tuple[str, str]]:
    if content is None:
        return
    if isinstance(content, str):
        yield content, here
        return
    if not isinstance(content, list):
        raise _bad(here, "must be a string or a list of parts")
    read: list[str] = []
    for i, part in enumerate(content):
        where = f"{here}[{i}]"
        if isinstance(part, str):
            text = part
        elif not isinstance(part, dict):
            raise _bad(where, "must be a string or an object")
        elif not isinstance(kind := part.get("type"), str) or kind not in TEXT_PARTS:
            raise _bad(f"{where}.type", f"must be one of {', '.join(TEXT_PARTS)}")
        else:
            text = _string(part.get(TEXT_PARTS[kind]), f"{where}.{TEXT_PARTS[kind]}")
            rest = {key: value for key, value in part.items() if key not in ("type", TEXT_PARTS[kind])}
            yield from ((other.text, where) for other in _joined(rest, where))
        read.append(text)
        yield text, where
    if any(not left[-1:].isspace() and not right[:1].isspace() for left, right in pairwise(read)):
        yield "".join(read), here


def _of_schemas(body: Mapping[str, Any]) -> list[Text]:
    return [text for key in ("response_format", "structured_outputs") for text in _joined(body.get(key), key)]


def _joined(value: Any, where: str, message: int | None = None, role: str | None = None) -> list[Text]:
    """All strings and numbers in ``value`` as one text, a line each; nothing if there are none."""
    lines = list(_leaves(value, where))
    return [Text("\n".join(lines), where, message, role)] if lines else []


def _leaves(value: Any, where: str, key: str = "") -> Iterator[str]:
    """Strings, numbers and keys in reading order.

    JSON in a string is decoded once, as vLLM does: that, and the depth limits of both, bound the recursion.
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
    """A JSON object with all its pairs: with a duplicate key, vLLM reads one of the values, here both count."""


def _parsed(text: str, where: str) -> Any:
    """The JSON in ``text``, objects as `_Pairs`; None if it is none."""
    if deeper_than(text, BodyLimits().depth):
        raise _bad(where, "nests too deeply")
    try:
        # Numbers stay text, as they are written: no limit on digits, no rounding.
        return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        return None


def _check_tool(tool: dict[str, Any], where: str) -> None:
    # vLLM looks tools[i]["function"]["name"] up before it validates them, and answers 500 if it is not there.
    function = tool.get("function")
    if not isinstance(function, dict):
        raise _bad(f"{where}.function", "must be an object")
    _string(function.get("name"), f"{where}.function.name")


def _decoded(ids: list[Any], decode: Callable[[Sequence[int]], str], vocabulary: int | None, where: str) -> str:
    if not ids:
        raise _bad(where, "is empty")
    for token in ids:
        # type(), not isinstance: true is an int to Python, and vLLM would read it, and 1.0, as the token 1.
        if type(token) is not int or token < 0 or (vocabulary is not None and token >= vocabulary):
            raise _bad(where, "has a token id that is not in the vocabulary")
    try:
        return decode(ids)
    except (IndexError, KeyError, OverflowError, TypeError, ValueError):
        raise _bad(where, "has token ids that cannot be decoded") from None


def _objects(value: Any, where: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _bad(where, "must be a list")
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            raise _bad(f"{where}[{i}]", "must be an object")
    return value


def _string(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _bad(where, "must be a string")
    return value


def _bad(where: str, what: str) -> BadRequest:
    return BadRequest(f"{where} {what}.", param=where, code="invalid_value")
