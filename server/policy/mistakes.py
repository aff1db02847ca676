"""Mistakes in a target that somebody wrote, from pydantic's errors: the place of each, what is wrong, and what to write.

A message names places and holds no values: people read it in logs, and the content of the list is confidential.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from classifiers.detection import DetectionSpec
from classifiers.semantic import SemanticSpec
from classifiers.target import Example, ForgetTarget
from guard.errors import PhraseError
from guard.phrase import Phrase

Place = tuple[str | int, ...]
"""Keys and indices from the top of the document down, such as `("targets", 0, "name")`."""

# How each mapping is written, by the key that holds it or the list of it.
_SHAPES: Final = {
    "targets": "{id: ..., name: ...}",
    "phrases": "{text: ...}",
    "examples": "{prompt: ..., completion: ...}",
    "semantic": "{words: [...]}",
    "defaults": "{answer: ..., say: ...}",
    "detection": "{history: ...}",
}
_KEYS: Final = {
    "targets": [field.alias or name for name, field in ForgetTarget.model_fields.items()],
    "phrases": [field.name for field in fields(Phrase) if field.init],
    "examples": list(Example.model_fields),
    "semantic": list(SemanticSpec.model_fields),
    "defaults": ["answer", "say", "echo", "in_context", "hint", "detection"],
    "detection": list(DetectionSpec.model_fields),
}
_TOP: Final = ["version", "targets", "background", "except", "defaults"]
_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# What is wrong with an exception beside the phrases of its target (`classifiers.banned.check_exceptions`).
_EXCEPTION: Final = re.compile(r"except\[(\d+)\]: (.*)", re.DOTALL)
# What is wrong with the texts of a target beside its phrases (`classifiers.banned.check_says_none`).
_TEXT: Final = re.compile(r"(say|hint)(?:\.([a-z]+))?: (.*)", re.DOTALL)
_MAPPING: Final = ("model_type", "dataclass_type", "model_attributes_type")
_UNKNOWN: Final = ("extra_forbidden", "unexpected_keyword_argument")


def id_of(target: Any) -> str | None:
    """Return the id of a target as it was written, if it is one. Other texts in its place must not be shown."""
    found = target.get("id") if isinstance(target, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def mistakes(detail: Any, value: Any, *, plain: bool = True) -> Iterator[tuple[Place, str]]:
    """Give one of pydantic's errors as places and messages. Where pydantic names a whole object, the place is closer.

    Args:
        detail: The error, without its input.
        value: What was validated.
        plain: Whether the document is YAML, which a person writes. If not, it is JSON, and the message of a wrong type or an
            unknown key is pydantic's own, which suits JSON.
    """
    place: Place = tuple(detail["loc"])
    kind, message = detail["type"], str(detail["msg"]).removeprefix("Value error, ")
    if kind in _MAPPING:
        shape = _SHAPES.get(_named(place), "")
        noun = "a mapping" if plain else "an object"
        message = f"should be {noun}: write {shape if plain else _quoted(shape)}" if shape else f"should be {noun}"
    elif kind == "value_error" and place[-1:] == ("aliases",):
        found = list(_wrong_names(place, at(value, place)))
        yield from found or [(place, message)]
        return
    elif kind == "value_error" and place[-2:-1] == ("phrases",):
        place += (next((name for name in ("penalty", "beta") if message.startswith(name)), "text"),)
    elif kind == "value_error" and (exception := _EXCEPTION.fullmatch(message)):
        place, message = (*place, "except", int(exception[1])), exception[2]
    elif kind == "value_error" and (text := _TEXT.fullmatch(message)):
        place, message = (*place, *(part for part in text.groups()[:2] if part)), text[3]
    elif plain:
        message = _for_yaml(kind, place, message)
    yield place, message


def at(value: Any, place: Place) -> Any:
    """Return what is at a place of a document, None if nothing is."""
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _for_yaml(kind: str, place: Place, message: str) -> str:
    if kind in _UNKNOWN:
        return f"unknown key: the keys here are {', '.join(_KEYS.get(_named(place[:-1]), _TOP))}"
    if kind in ("missing", "missing_argument"):
        return "missing: add this key"
    if kind == "string_type":
        return "should be text: write it in quotes"
    if kind == "list_type":
        return "should be a list: write each entry in a line of its own, after a dash"
    if place == ("version",):
        return "should be 1, the version of this format"
    if kind == "string_pattern_mismatch" and place[-1:] == ("id",):
        return "should have 1 to 64 of the characters a-z 0-9 . _ - and begin with a letter or a digit"
    return message


def _named(place: Place) -> str:
    """Return the key of the mapping at a place, or of the list that it is in."""
    return next((step for step in reversed(place) if isinstance(step, str)), "")


def _quoted(shape: str) -> str:
    return re.sub(r"(\w+):", r'"\1":', shape)


def _wrong_names(place: Place, names: Any) -> Iterator[tuple[Place, str]]:
    for i, name in enumerate(names if isinstance(names, list) else ()):
        try:
            Phrase(name, force=True)
        except PhraseError as error:
            yield (*place, i), str(error)
