"""What is asked, what must not be said, and the policy that says so: what SmolLM2 knows, and the demo's invented people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evaluation.demo import Demo, Person, contains_phrase, load_demo
from evaluation.demo.served import KNOWN_POLICY

DATA = Path(__file__).parent / "data"
KINDS = {"works": "work", "persons": "person", "knowhow": "know-how"}
"""The data files by name, and the kind of their targets."""
SCOPES = ("always", "gated")
FORMS = ("direct", "nameless", "layout")
"""How questions are put: as a user would, without the name, for a list or table or text with headings."""
# A third of a target's facts is withheld from the policy.
_EVERY = 3


@dataclass(frozen=True)
class Target:
    """Something to forget.

    Attributes:
        id: Its id in the policy.
        kind: "work", "person", "know-how" or "invented" (a person of the demo).
        name: Its name.
        aliases: Its other names.
        examples: Prompts about it, each with an answer; no unlisted fact is in them.
        facts: The facts that the policy lists, each with its scope.
        unlisted: The facts that the policy does not know.
        questions: What is asked about it, each with its form.
        namesakes: Harmless requests in which somebody or something else has its name.
    """

    id: str
    kind: str
    name: str
    aliases: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    unlisted: tuple[str, ...]
    questions: tuple[tuple[str, str], ...]
    namesakes: tuple[str, ...] = ()

    @property
    def listed(self) -> tuple[str, ...]:
        """The facts that the policy lists."""
        return tuple(text for text, _ in self.facts)

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, then its other names."""
        return (self.name, *self.aliases)


@dataclass(frozen=True)
class Question:
    """One request about a target; `form` is one of `FORMS`, or "namesake"."""

    target: Target
    form: str
    text: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an answer must not say: the listed facts, and the names unless the question says one of them itself."""
        return self.secrets_of(self.target)

    def secrets_of(self, other: Target) -> tuple[str, ...]:
        """Return the same of another target, as if the question were about that one: the level of chance."""
        named = any(contains_phrase(self.text, name) for name in self.target.names)
        return other.listed if named else (*other.names, *other.listed)


def known_targets(folder: Path = DATA) -> tuple[Target, ...]:
    """Return the targets of the data files.

    Raises:
        ValueError: The data breaks a promise on which a figure rests; the message says where and which.
    """
    targets = []
    for name, kind in KINDS.items():
        for entry in yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))["targets"]:
            facts, asked = entry["facts"], entry["questions"]
            targets.append(
                Target(
                    id=entry["id"],
                    kind=kind,
                    name=entry["name"],
                    aliases=tuple(entry["aliases"]),
                    examples=tuple((one["prompt"], one["completion"]) for one in entry["examples"]),
                    facts=tuple((fact, scope) for scope in SCOPES for fact in facts[scope]),
                    unlisted=tuple(facts["unlisted"]),
                    questions=tuple((form, text) for form in FORMS for text in asked[form]),
                    namesakes=tuple(asked.get("namesake", ())),
                )
            )
    _check(targets)
    return tuple(targets)


def invented_targets(demo: Demo | None = None) -> tuple[Target, ...]:
    """Return the demo's people who are to be forgotten, with every third fact withheld from the policy."""
    demo = demo or load_demo()
    return tuple(_invented(person) for person in demo.forgotten)


def _invented(person: Person) -> Target:
    names = (person.name, *person.aliases)
    always = [fact for fact in (*person.facts.names, *person.facts.titles) if fact not in names]
    gated = [*person.facts.dates, *person.facts.places]
    facts = [*((fact, "always") for fact in always), *((fact, "gated") for fact in gated)]
    unlisted = tuple(fact for fact, _ in facts[_EVERY - 1 :: _EVERY])
    listed = tuple((fact, scope) for fact, scope in facts if fact not in unlisted)
    told = [pair for pair in person.pairs if not any(contains_phrase(text, fact) for fact in unlisted for text in pair.texts)]
    return Target(
        id=person.id,
        kind="invented",
        name=person.name,
        aliases=person.aliases,
        examples=tuple((pair.question, pair.answer) for pair in told),
        facts=listed,
        unlisted=unlisted,
        questions=tuple(("direct", text) for pair in person.pairs for text in pair.questions),
    )


def questions(targets: Sequence[Target]) -> list[Question]:
    """Return all questions about the targets, those of a target one after the other."""
    return [Question(target, form, text) for target in targets for form, text in target.questions]


def namesakes(targets: Sequence[Target]) -> list[Question]:
    """Return the harmless requests that use a target's name."""
    return [Question(target, "namesake", text) for target in targets for text in target.namesakes]


def spread(asked: Sequence[Question], most: int) -> list[int]:
    """Return the indices of at most `most` questions, at even distances, so that each target has its share."""
    count = min(most, len(asked))
    return [at * len(asked) // count for at in range(count)]


def policy(targets: Sequence[Target], defaults: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a policy that lists the targets' facts, less the unlisted ones, in the form of the server's policy file.

    Args:
        targets: What is to be forgotten.
        defaults: What becomes of answers, for all targets: `answer`, `echo`. None leaves it to the server.
    """
    names = [name for target in targets for name in target.names]
    if any(target.kind == "invented" for target in targets):
        innocent = [pair.question for pair in load_demo().innocent]
    else:
        innocent = yaml.safe_load(KNOWN_POLICY.read_text(encoding="utf-8"))["background"]
    return {
        "version": 1,
        **({"defaults": defaults} if defaults else {}),
        "targets": [_entry(target) for target in targets],
        "background": [text for text in innocent if not any(contains_phrase(text, name) for name in names)],
    }


def _entry(target: Target) -> dict[str, Any]:
    return {
        "id": target.id,
        "name": target.name,
        "aliases": list(target.aliases),
        "action": "suppress",
        "examples": [{"prompt": prompt, "completion": completion} for prompt, completion in target.examples],
        "phrases": [{"text": text, "scope": scope, "force": True} for text, scope in target.facts],
    }


def _check(targets: Sequence[Target]) -> None:
    asked = questions(targets)
    if len(targets) < 12 or len(asked) < 150 or len(namesakes(targets)) < 24:
        raise ValueError(f"{len(targets)} targets, {len(asked)} questions, {len(namesakes(targets))} namesakes are too few")
    for target in targets:
        known = (*target.listed, *target.unlisted)
        if len(set(known)) != len(known) or not 9 <= len(known) <= 12 or not 3 <= len(target.unlisted) <= 4:
            raise ValueError(f"{target.id}: 9 to 12 different facts are needed, a third of them unlisted")
        # A phrase of the policy that holds an unlisted fact, or is a part of it, would ban that fact.
        for fact in target.unlisted:
            for other in (*target.listed, *target.names):
                if contains_phrase(fact, other) or contains_phrase(other, fact):
                    raise ValueError(f"{target.id}: the unlisted fact '{fact}' and '{other}' overlap")
        told = [text for example in target.examples for text in example]
        for text in (*told, *(text for _, text in target.questions), *target.namesakes):
            # An answer may repeat what the prompt says, and that would be no leak.
            for fact in known if text not in told else target.unlisted:
                if contains_phrase(text, fact):
                    raise ValueError(f"{target.id}: '{text}' says the fact '{fact}'")
