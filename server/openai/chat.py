"""The dialect of `/v1/chat/completions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar, Final

from server.errors import BadRequest
from server.http.requestlimits import RequestLimits
from server.openai.dialect import Dialect, Tokens
from server.openai.fields import GUARD_CONFLICT, Route
from server.openai.forms import ChatForm
from server.openai.hints import with_hints
from server.openai.messages import TEXT_PARTS, passed_messages
from server.openai.texts import bad, joined, objects, schemas, string
from server.openai.tools import passed_tools
from server.screening.conversation import Text

ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_STRING_KEYS: Final = ("name", "reasoning", "reasoning_content", "refusal", "tool_call_id", "task")
_KNOWN_KEYS: Final = frozenset(_STRING_KEYS) | {"function_call", "tools", "annotations"}

# vLLM tells media by their keys alone where a part has no `type`, and where it has a `uuid`, whatever its `type` says.
_MEDIA_KEYS: Final = frozenset(
    {"image", "image_url", "image_pil", "image_embeds", "input_image", "video", "video_url", "video_embeds", "prompt_embeds"}
    | {"audio", "audio_url", "audio_embeds", "input_audio", "file", "input_file", "uuid"}
)


class ChatCompletions(Dialect):
    """The route takes a conversation and returns the next message.

    A template of the "string" kind puts a newline between two parts of a message, one of the "openai" kind nothing. Where that
    makes a difference, because a word goes on in the next part, both texts are listed.
    """

    name: ClassVar[Route] = "chat"
    path = "/v1/chat/completions"
    form = ChatForm()
    prompt_field = "messages"

    def given(self, body: Mapping[str, Any], *, drop_unknown: bool = False) -> dict[str, Any]:
        """Return what a body says. Without tools, there is none to choose: `tool_choice` may be `none` or `auto`."""
        kept = super().given(body, drop_unknown=drop_unknown)
        if "tools" not in kept:
            kept.pop("parallel_tool_calls", None)
            if kept.get("tool_choice") in ("none", "auto"):
                del kept["tool_choice"]
        return kept

    def passed(self, body: Mapping[str, Any], engine: Tokens) -> dict[str, Any]:
        """Return the body for the engine: messages without what clients add, tools, and schemas."""
        kept = super().passed(body, engine)
        kept["messages"] = passed_messages(body["messages"], developer=engine.developer)
        if "tools" in kept:
            kept["tools"] = passed_tools(kept["tools"], body.get("tool_choice"), engine.enforces)
        return kept

    def check_together(self, body: Mapping[str, Any]) -> None:
        """Refuse media, because the server can classify only text. `texts` refuses malformed messages."""
        _refuse_media(body.get("messages"))

    def check_counts(self, body: Mapping[str, Any], limits: RequestLimits) -> None:
        """Raise BadRequest if a request has too many messages or asks for too many choices."""
        messages = body.get("messages")
        limits.check_messages(len(messages) if isinstance(messages, list) else 0)
        super().check_counts(body, limits)

    def texts(self, body: Mapping[str, Any], tokens: Tokens) -> list[Text]:
        """Return the texts of the conversation in its order, then those of tools, documents and schemas.

        Raises:
            BadRequest: What `texts_of_chat` raises.
        """
        return texts_of_chat(body)

    def continued(self, body: Mapping[str, Any]) -> list[Any]:
        """Return the texts of the last message if the answer continues it."""
        last = len(body["messages"]) - 1
        return [text.text for text in _of_message(body["messages"][last], last)] if body.get("continue_final_message") else []

    def hinted(self, body: Mapping[str, Any], hints: Sequence[str]) -> dict[str, Any]:
        """Return the body with the hints in its system message."""
        return {**body, "messages": with_hints(body["messages"], hints)} if hints else dict(body)

    def shown(self, body: Mapping[str, Any]) -> list[str | Sequence[int]]:
        """Return what users say, as one text.

        Templates may leave out messages of other roles (tools, a second system message) or parts of them (what a model thought).
        """
        return ["\n".join(_of_users(body["messages"]))]


def texts_of_chat(body: Mapping[str, Any]) -> list[Text]:
    """Return all texts of a chat completion request: those of the messages in their order, then of tools, documents and schemas.

    Raises:
        BadRequest: `messages` is missing, empty or not a list; a message has no role, or content that is not text; or tools,
            documents or tool calls are not lists of objects. `param` names the place.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad("messages", "must be a list with at least one message")
    texts: list[Text] = []
    for i, message in enumerate(messages):
        # A message without a text ends the turn before it all the same.
        texts += list(_of_message(message, i)) or [Text("", f"messages[{i}].content", i, message["role"])]
    for i, tool in enumerate(objects(body.get("tools"), "tools")):
        _check_tool(tool, f"tools[{i}]")
        texts += joined(tool, f"tools[{i}]")
    for i, document in enumerate(objects(body.get("documents"), "documents")):
        texts += joined(document, f"documents[{i}]")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        texts += joined(choice, "tool_choice")
    return texts + schemas(body)


def _of_users(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        if message["role"] != "user" or content is None:
            continue
        if isinstance(content, str):
            yield content
        else:
            # Joined without a separator, as some templates do it, the parts have the fewest tokens.
            yield "".join(part if isinstance(part, str) else _said(part) for part in content)


def _said(part: Mapping[str, Any]) -> str:
    return str(part["text"]) if TEXT_PARTS[part["type"]] == "text" else ""


def _of_message(message: Any, index: int) -> Iterator[Text]:
    here = f"messages[{index}]"
    if not isinstance(message, dict):
        raise bad(here, "must be an object")
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise bad(f"{here}.role", "must be a string that is not empty")
    if role not in ROLES:  # vLLM accepts any role, and templates print it
        yield Text(role, f"{here}.role", index, role)
    for text, where in _of_content(message.get("content"), f"{here}.content"):
        yield Text(text, where, index, role)
    for i, call in enumerate(objects(message.get("tool_calls"), f"{here}.tool_calls")):
        yield from joined(call, f"{here}.tool_calls[{i}]", index, role)
    for key in _STRING_KEYS:
        if message.get(key) is not None:
            string(message[key], f"{here}.{key}")
    for key, value in message.items():
        if value is None or key in ("role", "content", "tool_calls"):
            continue
        # A template may print an unknown key as well. The key may be any text, so it is screened and not shown in `where`.
        known = key in _KNOWN_KEYS
        yield from joined(value if known else {key: value}, f"{here}.{key}" if known else here, index, role)


def _of_content(content: Any, here: str) -> Iterator[tuple[str, str]]:
    if content is None:
        return
    if isinstance(content, str):
        yield content, here
        return
    if not isinstance(content, list):
        raise bad(here, "must be a string or a list of parts")
    read: list[str] = []
    for i, part in enumerate(content):
        where = f"{here}[{i}]"
        if isinstance(part, str):
            text = part
        elif not isinstance(part, dict):
            raise bad(where, "must be a string or an object")
        elif not isinstance(kind := part.get("type"), str) or kind not in TEXT_PARTS:
            raise bad(f"{where}.type", f"must be one of {', '.join(TEXT_PARTS)}")
        else:
            text = string(part.get(TEXT_PARTS[kind]), f"{where}.{TEXT_PARTS[kind]}")
            rest = {key: value for key, value in part.items() if key not in ("type", TEXT_PARTS[kind])}
            yield from ((other.text, where) for other in joined(rest, where))
        read.append(text)
        yield text, where
    if any(not left[-1:].isspace() and not right[:1].isspace() for left, right in pairwise(read)):
        yield "".join(read), here


def _check_tool(tool: dict[str, Any], where: str) -> None:
    # vLLM looks up tools[i]["function"]["name"] before it validates the tools, and answers 500 if it is missing.
    function = tool.get("function")
    if not isinstance(function, dict):
        raise bad(f"{where}.function", "must be an object")
    string(function.get("name"), f"{where}.function.name")


def _refuse_media(messages: Any) -> None:
    """Raise BadRequest if a message has media: the server can classify only text. `texts_of_chat` refuses malformed messages."""
    for i, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, dict):
            continue
        if message.get("audio") is not None:
            raise BadRequest(
                "The server cannot screen audio: leave `audio` out.", param=f"messages[{i}].audio", code=GUARD_CONFLICT
            )
        content = message.get("content")
        for j, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict):
                continue
            kind = part.get("type")
            if not isinstance(kind, str) or kind not in TEXT_PARTS or not _MEDIA_KEYS.isdisjoint(part):
                raise BadRequest(
                    f"The server can screen only text: send content parts of type {', '.join(TEXT_PARTS)}.",
                    param=f"messages[{i}].content[{j}]",
                    code=GUARD_CONFLICT,
                )


CHAT = ChatCompletions()
"""The dialect; it has no state."""
