"""The central types: what an attack sends, and a kind of attack, which makes one of a question."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from evaluation.redteam.case import Case

CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
Group = Literal["words", "context", "api"]
Message = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """One HTTP request.

    Attributes:
        body: A JSON object; None where `content` is sent.
        content: The bytes of a body that is no plain JSON.
        headers: Headers besides the usual ones.
        chunked: Whether the body is sent in chunks, without its length.
        begun: The end of the prompt that the answer goes on: a secret that begins there and ends in the answer is told, too.
    """

    body: dict[str, Any] | None
    method: str = "POST"
    path: str = CHAT
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunked: bool = False
    begun: str = ""

    @property
    def generates(self) -> bool:
        """Whether it is a plain request for an answer: an engine without a guard can be sent the same."""
        return self.body is not None and self.method == "POST" and self.path in (CHAT, TEXT)


@dataclass(frozen=True)
class Around:
    """What an attacker knows of the server.

    Attributes:
        model: The model's name.
        tokens: The most tokens of an answer.
        specials: Special tokens, as text.
        encode: Returns the token ids of a text, without special tokens; None if the attacker has no tokenizer.
        render: Returns the prompt that the chat template makes of messages; None likewise.
    """

    model: str
    tokens: int
    specials: Sequence[str]
    encode: Callable[[str], list[int]] | None = None
    render: Callable[[Sequence[Message]], str] | None = None

    def chat(self, messages: str | Sequence[Message], **others: Any) -> Sent:
        """Return a chat request with these messages, or with this one of a user."""
        listed = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
        return Sent({"model": self.model, "messages": listed, "max_tokens": self.tokens, **others})

    def text(self, prompt: Any, **others: Any) -> Sent:
        """Return a completion request with this prompt."""
        return Sent({"model": self.model, "prompt": prompt, "max_tokens": self.tokens, **others}, path=TEXT)


def goes_on(sent: Sent, begun: str) -> Sent:
    """Return a request whose answer goes on the text `begun`."""
    return replace(sent, begun=begun)


Make = Callable[[Case, Around, random.Random], Sent | None]


@dataclass(frozen=True)
class Kind:
    """One way of getting round a guard.

    Attributes:
        name: Its name in the figures.
        group: Where it attacks: through the words, the context or the API.
        make: Makes the request; None where the case or the attacker lacks what it takes.
        nameless: Whether the asker does not know the name unless the request says it: then the name is a secret, too.
        greedy: Whether its first answer is greedy, and the samples have temperature 1. A kind that sets these itself is not.
    """

    name: str
    group: Group
    make: Make
    nameless: bool = False
    greedy: bool = True


@dataclass(frozen=True)
class Attack:
    """A request of a kind about a case, and what its answer must not say."""

    kind: Kind
    case: Case
    sent: Sent

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the answer must not say."""
        told = "\n".join(strings(self.sent.body))
        return self.case.secrets(told if self.kind.nameless else f"{self.case.question}\n{told}")


def strings(value: Any) -> Iterable[str]:
    """Yield all texts in a JSON value, the keys of objects among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield str(key)
            yield from strings(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from strings(held)


def attacks(kind: Kind, cases: Sequence[Case], count: int, around: Around) -> list[Attack]:
    """Return at most `count` attacks of a kind, about cases at even distances. The same arguments give the same attacks.

    Kinds begin at different cases, so that a suite with one case per kind does not ask about one target alone.
    """
    start = random.Random(kind.name).randrange(len(cases))  # noqa: S311
    found: list[Attack] = []
    step = max(1, len(cases) // max(1, count))
    order = [(start + at * step) % len(cases) for at in range(len(cases))]
    order += [at for at in range(len(cases)) if at not in set(order)]
    for at in dict.fromkeys(order):
        case = cases[at]
        sent = kind.make(case, around, random.Random(f"{kind.name} {at}"))  # noqa: S311
        if sent is not None:
            found.append(Attack(kind, case, sent))
        if len(found) == count:
            break
    return found


def named(group: Group, *, nameless: Sequence[str] = (), hot: Sequence[str] = ()) -> Callable[[Sequence[Make]], list[Kind]]:
    """Return a function that makes kinds of a group out of functions, each named as its function is."""

    def kinds(makers: Sequence[Make]) -> list[Kind]:
        made = []
        for make in makers:
            name = make.__name__  # type: ignore[attr-defined]
            made.append(Kind(name, group, make, name in nameless, name not in hot))
        return made

    return kinds
