"""Items to messages: what a client sends as `input` becomes the messages of a chat.

Several items make up one turn of the model: what it thought, what it said and the functions that it called. They become one
message, because chat templates know one message per turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.errors import BadRequest
from server.openai.fields import GUARD_CONFLICT, UNSUPPORTED
from server.openai.texts import bad, objects, string

# The types of content part that are text, and the key of the text. "text" is what clients send that were written for chats.
_PARTS: Final[Mapping[str, str]] = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
_ROLES: Final = ("system", "developer", "user", "assistant")
_ITEMS: Final = ("message", "reasoning", "function_call", "function_call_output")


@dataclass(slots=True)
class Turn:
    """A message of a chat, and where the client wrote it.

    Attributes:
        message: The message.
        place: The place in the client's body, as `input[2]`.
    """

    message: dict[str, Any]
    place: str
    _kinds: list[str] = field(default_factory=list)

    def goes_on(self, kind: str) -> bool:
        """Return whether an item of the model's belongs to the same turn: thinking, then speech, then calls."""
        if not self._kinds:
            return False
        last = self._kinds[-1]
        allowed = {"message": ("reasoning",), "function_call": _ITEMS, "reasoning": ("reasoning",)}
        if last in allowed[kind]:
            self._kinds.append(kind)
            return True
        return False


def turns(instructions: str | None, items: Any) -> list[Turn]:
    """Return the messages that `instructions` and `input` make, in their order.

    Args:
        instructions: They become a system message before all others.
        items: A text of the user, or a list of items.

    Raises:
        BadRequest: `input` is missing, empty or neither a text nor a list of items; an item has another type than messages,
            reasoning, function calls and their outputs; or what is in an item is not text. `param` names the place.
    """
    found = [Turn({"role": "system", "content": instructions}, "instructions")] if instructions else []
    if isinstance(items, str):
        return [*found, Turn({"role": "user", "content": items}, "input")]
    if not isinstance(items, list) or not items:
        raise bad("input", "must be a text or a list with at least one item")
    for at, item in enumerate(objects(items, "input")):
        here = f"input[{at}]"
        kind = item.get("type") or "message"
        if kind == "message":
            _add_message(found, item, here)
        elif kind == "reasoning":
            _add_own(found, kind, {"reasoning": _thought(item, here)}, here)
        elif kind == "function_call":
            _add_own(found, kind, {"tool_calls": [_call(item, here)]}, here)
        elif kind == "function_call_output":
            found.append(Turn(_output(item, here), here))
        elif kind == "item_reference":
            raise BadRequest(
                "The server stores no items, so it cannot look one up: send the item itself.",
                param=here,
                code=UNSUPPORTED,
            )
        else:
            raise BadRequest(
                f"The server takes items of type {', '.join(_ITEMS)}: leave other items out.",
                param=f"{here}.type",
                code=UNSUPPORTED,
            )
    return found


def _add_message(found: list[Turn], item: Mapping[str, Any], here: str) -> None:
    role = item.get("role")
    if role not in _ROLES:
        raise bad(f"{here}.role", f"must be one of {', '.join(_ROLES)}")
    content = _content(item.get("content"), f"{here}.content")
    if role == "assistant":
        _add_own(found, "message", {"content": content}, here)
    else:
        found.append(Turn({"role": role, "content": content}, here))


def _add_own(found: list[Turn], kind: str, said: Mapping[str, Any], here: str) -> None:
    """Add what the model itself said: to the turn before, if it is the same turn."""
    if not found or not found[-1].goes_on(kind):
        found.append(Turn({"role": "assistant"}, here, [kind]))
    message = found[-1].message
    for key, value in said.items():
        if key == "tool_calls":
            message[key] = [*message.get(key, []), *value]
        elif key == "reasoning":
            message[key] = "\n".join(filter(None, (message.get(key), value)))
        else:
            message[key] = value


def _content(content: Any, here: str) -> str | list[dict[str, Any]]:
    """Return the content of a message for a chat. One part is written as a text: every template takes that."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise bad(here, "must be a text or a list of parts")
    texts = [_part(part, f"{here}[{at}]") for at, part in enumerate(content)]
    return "".join(texts) if len(texts) < 2 else [{"type": "text", "text": text} for text in texts]


def _part(part: Any, here: str) -> str:
    if not isinstance(part, dict):
        raise bad(here, "must be an object")
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in _PARTS:
        raise BadRequest(
            f"The server can screen only text: send content parts of type {', '.join(_PARTS)}.", param=here, code=GUARD_CONFLICT
        )
    return string(part.get(_PARTS[kind]), f"{here}.{_PARTS[kind]}")


def _thought(item: Mapping[str, Any], here: str) -> str:
    """Return what a reasoning item says. What is encrypted in it, only the server that made it can read."""
    texts = [_texts(item.get(key), f"{here}.{key}") for key in ("content", "summary")]
    return "\n".join(texts[0] or texts[1])


def _texts(parts: Any, here: str) -> list[str]:
    return [string(part.get("text"), f"{here}[{at}].text") for at, part in enumerate(objects(parts, here))]


def _call(item: Mapping[str, Any], here: str) -> dict[str, Any]:
    named, arguments = (string(item.get(key), f"{here}.{key}") for key in ("name", "arguments"))
    function = {"name": named, "arguments": arguments}
    return {"id": string(item.get("call_id"), f"{here}.call_id"), "type": "function", "function": function}


def _output(item: Mapping[str, Any], here: str) -> dict[str, Any]:
    called = string(item.get("call_id"), f"{here}.call_id")
    return {"role": "tool", "tool_call_id": called, "content": _content(item.get("output"), f"{here}.output")}


def places(found: Sequence[Turn]) -> list[str]:
    """Return where the client wrote each message."""
    return [turn.place for turn in found]
