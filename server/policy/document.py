"""A policy file as a document: YAML without its surprises, read into plain values, with the place of every mistake.

The reader takes less than all of YAML:

- A plain scalar is null, true, false or a number only if YAML 1.1 and YAML 1.2 both say so. `NO`, `1815-12-10`, `12:30`, `017`
  and `1e5` are text, so what any YAML library wrote as text is read as text.
- A key that occurs twice in one mapping is an error; so are anchors, aliases, tags and a second document. Without aliases a file
  cannot grow when it is read, and without tags it cannot call anything.

Messages name places and hold no values: people read them in logs, and the content of the list is confidential.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from server.policy.mistakes import Place

MAX_BYTES: Final = 64 * 2**20
MAX_DEPTH: Final = 16  # the format itself needs six
MAX_SHOWN: Final = 20

Position = tuple[int, int]
"""Line and column, from 1."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # most builds of PyYAML have libyaml's, which is ten times as fast
# Anything but the printable set of YAML 1.2, section 5.1. PyYAML refuses the same, but its two readers disagree about where.
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULL: Final = re.compile(r"~|null|Null|NULL|")
_BOOLEAN: Final = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its line and column (from 1), its place in the document (`targets[0].phrases[2].text`), and what is wrong.

    `target` is the id of the target that it is in, None if it is in none or that has no valid id.
    """

    line: int
    column: int
    path: str
    message: str
    target: str | None = None

    def __str__(self) -> str:
        where = f"{self.path} (target {self.target})" if self.target else self.path
        return f"{where}: {self.message}" if where else self.message


class PolicyError(ValueError):
    """A policy file that cannot be used. `line`, `column` and `path` are those of the first of its `problems`."""

    def __init__(self, source: str, problems: list[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda problem: (problem.line, problem.column))
        self.line, self.column, self.path = self.problems[0].line, self.problems[0].column, self.problems[0].path
        lines = [f"{source}:{problem.line}: {problem}" for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"{source}: and {len(self.problems) - MAX_SHOWN} more")
        super().__init__("\n".join(lines))


def read_text(source: Path | str, name: str) -> str:
    """Return the text of a policy: of a file (a Path), or `source` itself (a str). `name` is what messages call it.

    Raises:
        PolicyError: the file cannot be read, is over 64 MiB, is not UTF-8, or holds a character that YAML does not allow.
    """
    if isinstance(source, str):
        raw = source.encode("utf-8", "surrogatepass")
    else:
        try:
            with source.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise PolicyError(
                name, [Problem(1, 1, "", f"cannot be read ({error.strerror}): name a file that this user may read")]
            ) from None
    if len(raw) > MAX_BYTES:
        raise PolicyError(name, [Problem(1, 1, "", f"larger than {MAX_BYTES // 2**20} MiB: import further targets over the API")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise PolicyError(name, [Problem(*_end(before), "", "not valid UTF-8: save the file as UTF-8")]) from None
    if found := _NOT_YAML.search(text):
        raise PolicyError(name, [Problem(*_end(text[: found.start()]), "", "a control character: remove it")])
    return text


def _end(text: str) -> Position:
    """Return line and column of what follows `text`."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


class _Frame:
    """A mapping or list that is still open: the last key read in it, and whether that key waits for its value."""

    __slots__ = ("key", "value", "waits")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key = ""
        self.waits = False

    @property
    def step(self) -> str | int:
        """Key or index of the last entry."""
        return len(self.value) - 1 if isinstance(self.value, list) else self.key


class Reader:
    """Builds the value of a document from YAML events, and notes the positions of the places in `wanted`.

    `positions` has these after `read`, and `mistakes` the keys that occur twice and the texts that are not valid Unicode.
    """

    def __init__(self, name: str, wanted: Set[Place] = frozenset()) -> None:
        self.name = name
        self.wanted = wanted
        self.positions: dict[Place, Position] = {}
        self.mistakes: list[tuple[Place, str]] = []
        self._open: list[_Frame] = []
        self._root: list[Any] = []

    def read(self, text: str) -> dict[str, Any]:
        """Return the mapping that the document is.

        Raises:
            PolicyError: `text` is not YAML, not one mapping, or uses a part of YAML that is not allowed.
        """
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark, f"not valid YAML: {error.problem or error.context}") from None
        if not self._root:
            raise PolicyError(self.name, [Problem(1, 1, "", "empty: write a mapping with the keys version and targets")])
        if not isinstance(self._root[0], dict):
            raise PolicyError(self.name, [Problem(1, 1, "", "must be a mapping with the keys version and targets")])
        return self._root[0]

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and self._root:
            raise self._error(event.start_mark, "a second document: keep one in a file")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._error(event.start_mark, "anchors and aliases are not allowed: write the value out")
        if isinstance(event, yaml.ScalarEvent):
            if event.tag is not None and event.tag != "!":
                raise self._error(event.start_mark, "tags are not allowed: remove it")
            plain = event.style in (None, "") and event.tag is None
            self._add(event.value, _scalar(event.value) if plain else event.value, event.start_mark)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if event.tag is not None:
                raise self._error(event.start_mark, "tags are not allowed: remove it")
            if len(self._open) == MAX_DEPTH:
                raise self._error(event.start_mark, f"nested deeper than {MAX_DEPTH} levels: a policy needs six")
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
            self._check(value)
        elif frame.waits:
            frame.value[frame.key] = value
            self._check(value)
            frame.waits = False
        elif literal is None:
            raise self._error(mark, "a key must be a plain word")
        else:
            if literal in frame.value:
                self.mistakes.append(((*self._place(), literal), "twice in one mapping: remove one"))
            frame.key, frame.waits = literal, True
            self._note((*self._place(), literal), mark, again=literal in frame.value)

    def _check(self, value: Any) -> None:
        """Note the value that was just read if it is not valid Unicode: an escape can write half of a surrogate pair."""
        if isinstance(value, str) and not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            message = "not valid Unicode, because it has half of a surrogate pair: write both halves or neither"
            self.mistakes.append(((*self._place(), self._open[-1].step), message))

    def _place(self) -> Place:
        """Return the place of the innermost open mapping or list."""
        return tuple(frame.step for frame in self._open[:-1])

    def _note(self, place: Place, mark: Any, again: bool = False) -> None:
        # If a key occurs twice, the second is the mistake.
        if place in self.wanted and (again or place not in self.positions):
            self.positions[place] = (mark.line + 1, mark.column + 1)

    def _error(self, mark: Any, message: str) -> PolicyError:
        position: Position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return PolicyError(self.name, [Problem(*position, "", message)])


def _scalar(literal: str) -> str | int | float | bool | None:
    """Return what a plain scalar means if PyYAML's resolver (YAML 1.1) and YAML 1.2's (10.3.2) agree; else its text."""
    if _NULL.fullmatch(literal):
        return None
    if found := _BOOLEAN.fullmatch(literal):
        return found[1] is not None
    if _INTEGER.fullmatch(literal):
        return int(literal)
    return float(literal.replace(".", "", 1) if literal[-1] in "fFnN" else literal) if _FLOAT.fullmatch(literal) else literal
