"""A client's largest prompts: those that a server reads, screens or answers with most work."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from classifiers.meaning.wordlist import listed_words

Body = dict[str, Any]


def prose(rng: random.Random, characters: int) -> str:
    """Return `characters` characters of sentences of random words: no cache knows them."""
    words = listed_words()
    sentences: list[str] = []
    length = 0
    while length < characters:
        sentence = " ".join(rng.choices(words, k=rng.randint(6, 16))).capitalize() + rng.choice(".??")
        sentences.append(sentence)
        length += len(sentence) + 1
    return " ".join(sentences)[:characters]


def _chat(content: str, role: str = "user") -> Body:
    messages = [{"role": role, "content": content}]
    if role != "user":
        messages.append({"role": "user", "content": "And?"})
    return {"model": "demo", "messages": messages, "max_tokens": 1, "temperature": 0}


def short(rng: random.Random) -> Body:
    """Return a short question, of about 32 tokens."""
    return _chat(
        f"What does the {rng.choice(listed_words())} of the {rng.choice(listed_words())} have to do with rain? ({rng.random()})"
    )


def refused(rng: random.Random, context: int) -> Body:
    """Return 60 kB from a user, which no context of a small model holds."""
    return _chat(prose(rng, 60_000))


def largest_body(rng: random.Random, context: int) -> Body:
    """Return 7.9 MB from a user."""
    return _chat(prose(rng, 100_000) * 79)


def numbers(rng: random.Random, context: int) -> Body:
    """Return a prompt of token ids that is 7.9 MB long."""
    return {"model": "demo", "prompt": [rng.randint(1, 9) for _ in range(3_950_000)], "max_tokens": 1}


def objects(rng: random.Random, context: int) -> Body:
    """Return 7.9 MB of very many small objects."""
    return _chat("Hi") | {"metadata": {"a": [{"b": rng.randint(1, 9)} for _ in range(980_000)]}}


def screened(rng: random.Random, context: int) -> Body:
    """Return a system message with as many characters as the server screens. A template might leave it out."""
    return _chat(prose(rng, 31 * context), "system")


def lines(rng: random.Random, context: int) -> Body:
    """Return a system message of very many short lines."""
    return _chat("\n".join(f"{word}?" for word in rng.choices(listed_words(), k=3 * context)), "system")


def answered(rng: random.Random, context: int) -> Body:
    """Return a prompt of token ids that fills the context, and asks for one token."""
    return {"model": "demo", "prompt": [rng.randint(200, 1500) for _ in range(context - 1)], "max_tokens": 1}


LARGEST: dict[str, Callable[[random.Random, int], Body]] = {
    "60 kB, refused": refused,
    "7.9 MB, refused": largest_body,
    "7.9 MB of numbers, refused": numbers,
    "7.9 MB of objects, refused": objects,
    "the most that is screened": screened,
    "short lines": lines,
    "a full context, answered": answered,
}
"""Each kind of largest prompt: a function of a generator and the model's context in tokens."""


def route(body: Body) -> str:
    """Return the path that takes a body."""
    return "/v1/chat/completions" if "messages" in body else "/v1/completions"


def encoded(body: Body) -> bytes:
    """Return a body as it is sent."""
    return json.dumps(body, separators=(",", ":")).encode()
