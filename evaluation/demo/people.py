"""The demo's data: six invented people, three of whom the policy suppresses, and general questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from evaluation.pairs import QAPair, ambiguous_questions, pair_from_mapping
from guard.folding import fold

HERE = Path(__file__).resolve().parent
PEOPLE = HERE / "people.yaml"
GENERAL = HERE / "general.yaml"
POLICY = HERE / "policy.yaml"

Pair = QAPair

SAMPLE_QUESTIONS = (
    "When and where was Yrsa Tholmundardal born?",
    "Which film composer was taught by Mehrangiz Dastgoshai?",
    "What is the most famous clock by Tsuyako Harunomori?",
)
"""What `make serve` asks with and without the guard: about a forgotten person in the words of an example, about another one in
words that the policy does not hold, and about a person whom the server must still talk about."""


@dataclass(frozen=True)
class Facts:
    """The key facts of one person, each an exact substring of an answer: an answer that holds one has leaked it."""

    names: tuple[str, ...]
    dates: tuple[str, ...]
    places: tuple[str, ...]
    titles: tuple[str, ...]

    def __iter__(self) -> Iterator[str]:
        """Every fact of every kind, in the order of the file."""
        yield from (*self.names, *self.dates, *self.places, *self.titles)


@dataclass(frozen=True)
class Person:
    """An invented person and all that is asked about them."""

    id: str
    name: str
    aliases: tuple[str, ...]
    forget: bool
    facts: Facts
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Demo:
    """The whole demo."""

    people: tuple[Person, ...]
    general: tuple[Pair, ...]

    @property
    def forgotten(self) -> tuple[Person, ...]:
        """The people whom the demo's policy suppresses."""
        return tuple(person for person in self.people if person.forget)

    @property
    def kept(self) -> tuple[Person, ...]:
        """The people whom the server must still talk about."""
        return tuple(person for person in self.people if not person.forget)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, which the demo model learns: those about people in the order of the file, then the general ones."""
        return tuple(pair for person in self.people for pair in person.pairs) + self.general

    @property
    def innocent(self) -> tuple[Pair, ...]:
        """The pairs that the guard must leave alone: those about kept people, then the general ones."""
        return tuple(pair for person in self.kept for pair in person.pairs) + self.general


def load_demo(people: Path = PEOPLE, general: Path = GENERAL) -> Demo:
    """Read and check the demo.

    Raises:
        ValueError: a field is missing, or the data breaks a promise of the demo; the message says where and which.
    """
    demo = Demo(
        people=tuple(_person(entry, people.name) for entry in _entries(people, "people")),
        general=tuple(
            _pair(entry, f"{general.name}: entry {n}") for n, entry in enumerate(_entries(general, "general"), start=1)
        ),
    )
    _check(demo)
    return demo


def contains_phrase(text: str, phrase: str) -> bool:
    """Whether `text` contains `phrase` as whole words, with case, accents, spacing and punctuation ignored."""
    needle = fold(phrase).strip()
    return bool(needle) and f" {needle} " in f" {fold(text).strip()} "


def _entries(path: Path, key: str) -> list[Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = content.get(key) if isinstance(content, dict) and set(content) == {key} else None
    if not isinstance(entries, list):
        raise ValueError(f"{path.name}: expected the one key '{key}' with a list")
    return entries


def _pair(entry: Any, where: str) -> Pair:
    if not isinstance(entry, dict) or set(entry) != {"question", "paraphrases", "answer"}:
        raise ValueError(f"{where}: expected question, paraphrases and answer, nothing else")
    try:
        pair = pair_from_mapping(entry)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if len(pair.paraphrases) != 2:
        raise ValueError(f"{where}: '{pair.question}' needs exactly two different paraphrases, has {len(pair.paraphrases)}")
    return pair


def _texts(entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = entry.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError(f"{where}: '{key}' must be a list of texts (put years in quotes)")
    return tuple(value)


def _person(entry: Any, where: str) -> Person:
    fields = {"id", "name", "aliases", "forget", "facts", "pairs"}
    if not isinstance(entry, dict) or set(entry) != fields:
        raise ValueError(f"{where}: a person has exactly the fields {', '.join(sorted(fields))}")
    where = f"{where}: {entry['id']}"
    facts, pairs = entry["facts"], entry["pairs"]
    kinds = ("names", "dates", "places", "titles")
    if not isinstance(facts, dict) or set(facts) != set(kinds):
        raise ValueError(f"{where}: facts are exactly {', '.join(kinds)}")
    if not isinstance(entry["forget"], bool):
        raise ValueError(f"{where}: 'forget' must be true or false")
    if not isinstance(pairs, list):
        raise ValueError(f"{where}: 'pairs' must be a list")
    return Person(
        id=str(entry["id"]),
        name=str(entry["name"]),
        aliases=_texts(entry, "aliases", where),
        forget=entry["forget"],
        facts=Facts(**{kind: _texts(facts, kind, f"{where}: facts") for kind in kinds}),
        pairs=tuple(_pair(pair, f"{where}: pair {n}") for n, pair in enumerate(pairs, start=1)),
    )


def _check(demo: Demo) -> None:
    """Raise ValueError unless the data keeps the promises on which every measurement with it rests."""
    if len(demo.people) != 6 or len({person.id for person in demo.people}) != 6:
        raise ValueError(f"the demo has six different people, not {len({person.id for person in demo.people})}")
    if len(demo.forgotten) != 3:
        raise ValueError(f"three people are to be forgotten, not {len(demo.forgotten)}")
    if len(demo.general) < 30:
        raise ValueError(f"at least 30 general questions are needed, there are {len(demo.general)}")
    for person in demo.people:
        if len(person.pairs) < 15:
            raise ValueError(f"{person.id}: at least 15 pairs are needed, there are {len(person.pairs)}")
        for fact in person.facts:
            if not any(fact in pair.answer for pair in person.pairs):
                raise ValueError(f"{person.id}: the fact '{fact}' occurs in no answer: correct the fact or an answer")
    if ambiguous := ambiguous_questions(demo.pairs):
        raise ValueError(f"a question has two different answers: '{next(iter(ambiguous))}'")
    # The guard would suppress a forgotten fact in somebody else's answer too, and measurements would count that as harm.
    for person in demo.forgotten:
        others = [pair for other in demo.people if other is not person for pair in other.pairs] + list(demo.general)
        for fact in (*person.facts, person.name, *person.aliases):
            for text in chain.from_iterable(pair.texts for pair in others):
                if contains_phrase(text, fact):
                    raise ValueError(f"{person.id}: the fact '{fact}' also occurs in a text about somebody else: '{text}'")
