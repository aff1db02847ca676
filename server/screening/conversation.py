"""A conversation: the texts of a request, and what its last message refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal

Kind = Literal["said", "system", "tools", "documents"]
"""What a text of a request is: said by a user or the model (or a prompt), a system text, a definition of tools or of the answer's
form, or a document or the result of a tool."""

_SYSTEM: Final = frozenset({"system", "developer"})
_RESULTS: Final = frozenset({"tool", "function"})
_FORMS: Final = ("tools", "tool_choice", "response_format", "structured_outputs")

# Characters of the last user message, and of all earlier messages put before it. Together they are about a window.
_LAST_TURN: Final = 200
_TURN: Final = 200
# The most earlier user messages in one text.
_EARLIER: Final = 4


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a request.

    Attributes:
        text: The text. The `repr` leaves it out.
        where: Its place in the request, such as `messages[2].content`.
        message: The index of its message, None if it is not in a message.
        role: The role of its message.
    """

    text: str = field(repr=False)
    where: str
    message: int | None = None
    role: str | None = None

    @property
    def kind(self) -> Kind:
        """What it is. A message of a role that is not known counts as one of a user."""
        if self.message is not None:
            return "system" if self.role in _SYSTEM else "documents" if self.role in _RESULTS else "said"
        if self.where.startswith("documents"):
            return "documents"
        return "tools" if self.where.startswith(_FORMS) else "said"

    @property
    def from_user(self) -> bool:
        """Whether a user said it in a message."""
        return self.message is not None and self.kind == "said" and self.role != "assistant"


def turns(texts: Sequence[Text]) -> list[int]:
    """Return the number of each text's turn, from 0 for the last one back.

    A turn begins with the first message of a user after one of the assistant. So messages of a user that follow each other are
    one turn, and so is a question with the calls of tools and their results. Texts outside messages belong to the last turn.
    """
    numbers: list[int] = []
    turn, answered = 0, False
    for text in texts:
        if text.from_user and answered:
            turn, answered = turn + 1, False
        answered = answered or text.role == "assistant"
        numbers.append(turn)
    return [0 if text.message is None else turn - number for text, number in zip(texts, numbers, strict=True)]


def conversation(texts: Sequence[Text]) -> str:
    """Return all texts as one, with a newline between two of them, so that a match may extend over parts and messages."""
    return "\n".join(text.text for text in texts)


def last_turn(texts: Sequence[Text]) -> str:
    """Return the last user message and all that follows it (tool results, a prefill), or all texts if no user says anything."""
    last = max((text.message for text in texts if text.role == "user" and text.message is not None), default=None)
    if last is None:
        return conversation(texts)
    return conversation([text for text in texts if text.message is not None and text.message >= last])


def asked(texts: Sequence[Text]) -> str:
    """Return the last user message alone, or all texts if no user says anything."""
    last = max((text.message for text in texts if text.role == "user" and text.message is not None), default=None)
    return conversation([text for text in texts if last is None or text.message == last])


def referred(texts: Sequence[Text]) -> list[str]:
    """Return the last user message with earlier messages that it may refer to: "Call him X." and then "Who are X's parents?".

    There are at most four texts, whatever the length of the conversation. In each, the last user message comes after other
    messages: the user message before it, the answer before it, both, or the last `_EARLIER` user messages before it. Only the end
    of a user message and the beginning of an answer are used, so that each text is at most about as long as a window.
    """
    spoken = [text for text in texts if text.message is not None and text.role in ("user", "assistant")]
    turns = [(role, conversation(list(turn))) for (_, role), turn in groupby(spoken, key=lambda text: (text.message, text.role))]
    last = max((at for at, (role, _) in enumerate(turns) if role == "user"), default=0)
    users = [at for at in range(last) if turns[at][0] == "user"]
    answers = [at for at in range(last) if turns[at][0] == "assistant"]
    choices = [users[-1:], answers[-1:], sorted({*users[-1:], *answers[-1:]}), users[-_EARLIER:]]
    asked = _end(turns[last][1], _LAST_TURN) if turns else ""
    return list(
        dict.fromkeys(
            "\n".join([*(_brief(*turns[at], _TURN // len(chosen)) for at in chosen), asked]) for chosen in choices if chosen
        )
    )


def _brief(role: str | None, text: str, length: int) -> str:
    return _end(text, length) if role == "user" else _beginning(text, length)


def _end(text: str, length: int) -> str:
    """Return the last `length` characters of `text`, without the word that the cut divides unless it is the only one."""
    cut = text[-length:]
    return cut if len(text) <= length else cut.split(maxsplit=1)[-1] if cut.split() else ""


def _beginning(text: str, length: int) -> str:
    cut = text[:length]
    return cut if len(text) <= length else cut.rsplit(maxsplit=1)[0] if cut.split() else ""
