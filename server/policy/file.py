"""The policy file: which targets are to be forgotten, as a person writes it down.

    version: 1
    targets:
      - id: ada-byron
        name: Ada Byron
        examples:
          - {prompt: Where did Ada Byron live?, completion: She lived in Kirkby Mallory.}
        phrases:
          - {text: Kirkby Mallory, scope: gated}
    background: [Who wrote Hamlet?]

A target's fields are those of `classifiers.target.ForgetTarget`; ``background`` is text about other things, to tell them apart.

The file is YAML, less what surprises:

- only what is null, true, false or a number to YAML 1.1 and to 1.2 alike is not text: ``NO``, ``1815-12-10``, ``12:30``, ``017``
  and ``1e5`` are text. So what any YAML library wrote as text is read as text;
- a key twice in one mapping is an error; so are anchors, aliases, tags and a second document. Without aliases nothing can grow,
  without tags nothing can be called.

A wrong file is refused whole, with every mistake that was found and the line of each. Messages name places, not values: they are
read in logs, and what is on the list is confidential.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from classifiers.target import ForgetTarget
from guard.errors import PhraseError
from guard.phrase import Phrase

MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 16  # the format itself needs six
MAX_SHOWN: Final = 20

Place = tuple[str | int, ...]
Position = tuple[int, int]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, ten times as fast, is in most builds of PyYAML
# Anything but the printable set of YAML 1.2, section 5.1. PyYAML refuses the same, but its two readers disagree about where.
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_BOOLEAN: Final = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN: Final = {  # pydantic's messages speak of Python
    **dict.fromkeys(("extra_forbidden", "unexpected_keyword_argument"), "unknown key"),
    **dict.fromkeys(("missing", "missing_argument"), "missing"),
    **dict.fromkeys(("model_type", "dataclass_type"), "should be a mapping"),
    "list_type": "should be a list",
}


class Policy(BaseModel):
    """A policy file, checked. Ids are unique."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1]
    targets: list[ForgetTarget]
    background: list[str] = []

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_a_number(cls, version: object) -> object:
        if isinstance(version, (bool, float)):  # both compare equal to 1
            raise ValueError("Input should be 1")
        return version


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: line and column from 1, the place in the document (``targets[0].phrases[2].text``), what is wrong."""

    line: int
    column: int
    path: str
    message: str


class PolicyError(ValueError):
    """A policy file that cannot be used. ``line``, ``column`` and ``path`` are those of the first of its ``problems``."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        self.line, self.column, self.path = self.problems[0].line, self.problems[0].column, self.problems[0].path
        lines = [f"{source}:{p.line}: {p.path + ': ' if p.path else ''}{p.message}" for p in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"{source}: and {len(self.problems) - MAX_SHOWN} more")
        super().__init__("\n".join(lines))


def load_policy(source: Path | str, *, name: str | None = None) -> Policy:
    """Read a policy from a file (a Path) or from the text itself (a str). ``name`` is what messages call it.

    Raises:
        PolicyError: the file cannot be read, is over 64 MiB, is not UTF-8 or not YAML; a key is unknown, twice there or missing;
            a value has the wrong type; a name or phrase is empty after folding; two targets have one id.
    """
    name = name or (str(source) if isinstance(source, Path) else "policy")
    text = _read(source, name)
    document = _Reader(name)
    value = document.read(text)
    problems = list(document.duplicates)
    policy: Policy | None = None
    try:
        policy = Policy.model_validate(value)
    except ValidationError as error:
        problems += [found for detail in error.errors(include_input=False) for found in _sharpened(detail, value)]
    problems += _equal_ids(value)
    if policy is None or problems:
        # Lines are looked up only now, in a second reading: to keep them all would cost more memory than the policy itself.
        places = _Reader(name, {place[:end] for place, _ in problems for end in range(len(place) + 1)})
        places.read(text)
        raise PolicyError(name, [_problem(place, message, places.positions) for place, message in problems])
    return policy


def _read(source: Path | str, name: str) -> str:
    if isinstance(source, str):
        raw = source.encode("utf-8", "surrogatepass")
    else:
        try:
            with source.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise PolicyError(name, [Problem(1, 1, "", f"cannot be read: {error.strerror}")]) from None
    if len(raw) > MAX_BYTES:
        raise PolicyError(name, [Problem(1, 1, "", f"larger than {MAX_BYTES // 2**20} MiB")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise PolicyError(name, [Problem(*_end(before), "", "not valid UTF-8")]) from None
    if found := _NOT_YAML.search(text):
        raise PolicyError(name, [Problem(*_end(text[: found.start()]), "", "a control character")])
    return text


def _end(text: str) -> Position:
    """Line and column of what follows ``text``."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


class _Frame:
    """A mapping or list that is still open, the last key read in it, and whether that still waits for its value."""

    __slots__ = ("key", "value", "waits")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key = ""
        self.waits = False

    @property
    def step(self) -> str | int:
        """Key or index of the last entry."""
        return len(self.value) - 1 if isinstance(self.value, list) else self.key


class _Reader:
    """Builds the value of a document from YAML events; notes where the places in ``wanted`` stand."""

    def __init__(self, name: str, wanted: Set[Place] = frozenset()) -> None:
        self.name = name
        self.wanted = wanted
        self.positions: dict[Place, Position] = {}
        self.duplicates: list[tuple[Place, str]] = []
        self._open: list[_Frame] = []
        self._root: list[Any] = []

    def read(self, text: str) -> dict[str, Any]:
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark, f"not valid YAML: {error.problem or error.context}") from None
        if not self._root:
            raise PolicyError(self.name, [Problem(1, 1, "", "empty")])
        if not isinstance(self._root[0], dict):
            raise PolicyError(self.name, [Problem(1, 1, "", "must be a mapping with the keys version and targets")])
        return self._root[0]

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and self._root:
            raise self._error(event.start_mark, "a second document")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._error(event.start_mark, "anchors and aliases are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            if event.tag is not None and event.tag != "!":
                raise self._error(event.start_mark, "tags are not allowed")
            plain = event.style in (None, "") and event.tag is None
            self._add(event.value, _scalar(event.value) if plain else event.value, event.start_mark)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if event.tag is not None:
                raise self._error(event.start_mark, "tags are not allowed")
            if len(self._open) == MAX_DEPTH:
                raise self._error(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
            value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._add(None, value, event.start_mark)
            self._open.append(_Frame(value))
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()

    def _add(self, literal: str | None, value: Any, mark: Any) -> None:
        if not self._open:
            self._root.append(value)
            self._note((), mark)
            return
        frame = self._open[-1]
        if isinstance(frame.value, list):
            self._note((*self._place(), len(frame.value)), mark)
            frame.value.append(value)
        elif frame.waits:
            frame.value[frame.key] = value
            frame.waits = False
        elif literal is None:
            raise self._error(mark, "a key must be a plain word")
        else:
            if literal in frame.value:
                self.duplicates.append(((*self._place(), literal), "twice in one mapping"))
            frame.key, frame.waits = literal, True
            self._note((*self._place(), literal), mark, again=literal in frame.value)

    def _place(self) -> Place:
        """Where the innermost open container stands."""
        return tuple(frame.step for frame in self._open[:-1])

    def _note(self, place: Place, mark: Any, again: bool = False) -> None:
        # Of a key that is there twice, the second is the mistake.
        if place in self.wanted and (again or place not in self.positions):
            self.positions[place] = (mark.line + 1, mark.column + 1)

    def _error(self, mark: Any, message: str) -> PolicyError:
        position: Position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return PolicyError(self.name, [Problem(*position, "", message)])


def _scalar(literal: str) -> str | int | float | bool | None:
    """What a plain scalar means where PyYAML's resolver (YAML 1.1) and 1.2's core schema (section 10.3.2) agree; else text."""
    if _NULL.fullmatch(literal):
        return None
    if found := _BOOLEAN.fullmatch(literal):
        return found[1] is not None
    if _INTEGER.fullmatch(literal):
        return int(literal)
    return float(literal.replace(".", "", 1) if literal[-1] in "fFnN" else literal) if _FLOAT.fullmatch(literal) else literal


def _sharpened(detail: Any, value: Any) -> Iterator[tuple[Place, str]]:
    """A pydantic error as places and messages; closer to the mistake than pydantic's own place where that is a whole object."""
    place: Place = tuple(detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] in _PLAIN:
        message = _PLAIN[detail["type"]]
    elif detail["type"] == "string_type" and isinstance(_at(value, place), (bool, int, float)):
        message = "should be text: write it in quotes"
    elif detail["type"] == "value_error" and place[-1:] == ("aliases",):
        wrong = list(_wrong_names(place, _at(value, place)))
        if wrong:
            yield from wrong
            return
    elif detail["type"] == "value_error" and place[-2:-1] == ("phrases",):
        place += ("penalty" if message.startswith("penalty") else "text",)
    yield place, message


def _wrong_names(place: Place, names: Any) -> Iterator[tuple[Place, str]]:
    for i, name in enumerate(names if isinstance(names, list) else ()):
        try:
            Phrase(name)
        except PhraseError as error:
            yield (*place, i), str(error)


def _equal_ids(value: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    targets = value.get("targets")
    first: dict[str, int] = {}
    for i, target in enumerate(targets if isinstance(targets, list) else ()):
        name = target.get("id") if isinstance(target, dict) else None
        if isinstance(name, str) and first.setdefault(name, i) != i:
            yield ("targets", i, "id"), f"the same id as targets[{first[name]}]"


def _at(value: Any, place: Place) -> Any:
    for step in place:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _problem(place: Place, message: str, positions: dict[Place, Position]) -> Problem:
    """What is missing has no line: then it is that of the object it is missing in."""
    end = next(end for end in range(len(place), -1, -1) if place[:end] in positions)
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    return Problem(*positions[place[:end]], path, message)
