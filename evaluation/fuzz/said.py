"""What a response says: every text in it, with the parts of a streamed text joined."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from evaluation.demo import contains_phrase

# Alternatives to a token are no text that is said.
_NOT_SAID = frozenset({"top_logprobs"})


def texts(content_type: str, body: str) -> list[str]:
    """Return the texts of a response.

    Strings at the same place of several events of a stream, or of several items of a list, are joined in their order: a phrase
    may be cut anywhere. Their `index` tells choices apart.

    Args:
        content_type: The header of that name.
        body: The response as text.
    """
    if content_type.startswith("text/event-stream"):
        documents = [_read(line.removeprefix("data:")) for line in body.splitlines() if line.startswith("data:")]
    else:
        documents = [_read(body)]
    joined: dict[tuple[str, ...], list[str]] = defaultdict(list)
    single: list[str] = []
    for document in documents:
        if isinstance(document, str):
            single.append(document)
        else:
            for place, text in _leaves(document, ()):
                joined[place].append(text)
    return [*single, *("".join(parts) for parts in joined.values())]


def forbidden(said: Sequence[str], phrases: Sequence[str], asked: str) -> list[str]:
    """Return the phrases that an answer says and its request does not: an answer may repeat a name of the request."""
    return [phrase for phrase in phrases if not contains_phrase(asked, phrase) and any(contains_phrase(t, phrase) for t in said)]


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        named = (*place, str(value["index"])) if isinstance(value.get("index"), int) else place
        for key, item in value.items():
            if key not in _NOT_SAID:
                yield from _leaves(item, (*named, key))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, place)
