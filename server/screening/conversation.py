"""A conversation: the texts of a request, and what its last message refers to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

# Characters of the last user message, and of all that is put before it: together about a window. And how many user messages.
_LAST_TURN: Final = 200

_TURN: Final = 200

_EARLIER: Final = 4


@dataclass(frozen=True, slots=True)
class Text:
    """One text, the place it stands at (``messages[2].content``), and its message's index and role, if it is in one."""

    text: str = field(repr=False)
    where: str
    message: int | None = None
    role: str | None = None


def conversation(texts: Sequence[Text]) -> str:
    """Everything in one string, a newline between two texts, so that a match may lie across parts and messages."""
    return "\n".join(text.text for text in texts)


def last_turn(texts: Sequence[Text]) -> str:
    """What is asked now: the last user message and whatever follows it (tool results, a prefill); without one, everything."""
    last = max((text.message for text in texts if text.role == "user" and text.message is not None), default=None)
    if last is None:
        return conversation(texts)
    return conversation([text for text in texts if text.message is not None and text.message >= last])


def referred(texts: Sequence[Text]) -> list[str]:
    """What the last user message may refer to, put before it: "Call him X." and then "Who are X's parents?".

    At most four texts, whatever the length of the conversation: the last user message after the user message before it; after
    the answer before it; after both; and after the `_EARLIER` user messages before it. Of each message a few hundred characters
    count: the end of what a user says, the beginning of an answer. So each is at most about as long as a window.
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
    """Return the last `length` characters of `text`, without the word that would be cut; it all where it is one word."""
    cut = text[-length:]
    return cut if len(text) <= length else cut.split(maxsplit=1)[-1] if cut.split() else ""


def _beginning(text: str, length: int) -> str:
    cut = text[:length]
    return cut if len(text) <= length else cut.rsplit(maxsplit=1)[0] if cut.split() else ""
