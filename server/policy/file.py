"""The policy file: a person writes down which targets are to be forgotten.

    version: 1
    targets:
      - id: ada-byron
        name: Ada Byron
        examples:
          - {prompt: Where did Ada Byron live?, completion: She lived in Kirkby Mallory.}
        phrases:
          - {text: Kirkby Mallory, scope: gated}
    background: [Who wrote Hamlet?]

A target's fields are those of `classifiers.target.ForgetTarget`. `defaults` says how the file's targets are answered that do not
say it themselves: it is copied into them when the file is read. `background` holds texts about other things; the classifiers
compare prompts with them. `server.policy.document` says which YAML the file may use.

A wrong file is refused whole, with every mistake that was found and its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from classifiers.answering import Answer, Echo, InContext, places
from classifiers.banned import MAX_EXCEPTED, near, says
from classifiers.detection import DetectionSpec, merged
from classifiers.target import ForgetTarget, Hint, Say, can_be_excepted
from guard.errors import PhraseError
from guard.excepted import Excepted, letters_of
from guard.matching.exceptions import check
from guard.phrase import Phrase
from server.policy.document import MAX_BYTES, PolicyError, Position, Problem, Reader, read_text
from server.policy.limits import excesses
from server.policy.mistakes import Place, at, id_of, mistakes

__all__ = ["MAX_BYTES", "Policy", "PolicyError", "Problem", "load_policy"]


class Defaults(BaseModel):
    """How the targets of a file are answered and found that do not say it themselves (`ForgetTarget`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    answer: Answer | None = None
    say: Say = None
    echo: Echo | None = None
    in_context: InContext | None = None
    hint: Hint = None
    detection: DetectionSpec | None = None


class Policy(BaseModel):
    """A policy file, checked. Ids are unique. Each target has what the whole policy says of it: exceptions and defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1]
    targets: list[ForgetTarget]
    background: list[str] = []
    defaults: Defaults = Defaults()
    excepted: list[Annotated[str, AfterValidator(can_be_excepted)]] = Field(
        default_factory=list, alias="except", max_length=MAX_EXCEPTED
    )

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_a_number(cls, version: object) -> object:
        if isinstance(version, (bool, float)):  # both compare equal to 1
            raise ValueError("Input should be 1")
        return version


def load_policy(source: Path | str, *, name: str | None = None) -> Policy:
    """Read a policy from a file (a Path) or from its text (a str). `name` is what messages call it.

    Raises:
        PolicyError: the file cannot be read, is over 64 MiB, is not UTF-8 or not YAML; a key is unknown, missing or occurs twice;
            a value has the wrong type; a name or phrase is empty after folding; two targets have the same id.
    """
    name = name or (str(source) if isinstance(source, Path) else "policy")
    text = read_text(source, name)
    document = Reader(name)
    value = document.read(text)
    problems = list(document.mistakes)
    policy: Policy | None = None
    try:
        policy = Policy.model_validate(value)
    except ValidationError as error:
        known = {place for place, _ in problems}
        found = [one for detail in error.errors(include_input=False) for one in mistakes(detail, value)]
        problems += [(place, message) for place, message in found if place not in known]
    problems += _equal_ids(value)
    if policy is not None:
        policy, wrong = _excepting(policy)
        policy, named = _defaulted(policy)
        problems += [*wrong, *named, *_too_many(policy)]
    if policy is None or problems:
        # A second reading looks the lines up: keeping all of them in the first would take more memory than the policy.
        places = Reader(name, {place[:end] for place, _ in problems for end in range(len(place) + 1)})
        places.read(text)
        raise PolicyError(name, [_problem(place, message, places.positions, value) for place, message in problems])
    return policy


def _equal_ids(value: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    targets = value.get("targets")
    first: dict[str, int] = {}
    for i, target in enumerate(targets if isinstance(targets, list) else ()):
        name = target.get("id") if isinstance(target, dict) else None
        if isinstance(name, str) and first.setdefault(name, i) != i:
            yield ("targets", i, "id"), f"the same id as targets[{first[name]}]: give each target its own"


def _excepting(policy: Policy) -> tuple[Policy, list[tuple[Place, str]]]:
    """Give each target the exceptions of the whole policy that have one of its phrases in them."""
    problems: list[tuple[Place, str]] = []
    exceptions = [Excepted(text) for text in policy.excepted]
    if not exceptions:
        return policy, problems
    letters = [letters_of(exception.pattern) for exception in exceptions]
    everything = " ".join(letters)
    concerned: set[int] = set()
    targets = []
    for target in policy.targets:
        added = []
        phrases = list(near(target.all_phrases(), everything))
        for i, exception in enumerate(exceptions):
            found = list(near(phrases, letters[i]))
            if any(phrase.pattern == exception.pattern for phrase in target.own_phrases()):
                problems.append(
                    (("except", i), f"it is a phrase of target {target.id} itself: remove the phrase or the exception")
                )
                concerned.add(i)
            elif found and _touches(exception, found):
                concerned.add(i)
                added += [exception.text] if exception.text not in target.excepted else []
        if len(target.excepted) + len(added) > MAX_EXCEPTED:
            problems.append((("except",), f"more than {MAX_EXCEPTED} exceptions concern target {target.id}: remove some"))
        targets.append(target.model_copy(update={"excepted": [*target.excepted, *added]}) if added else target)
    problems += [
        (("except", i), "no phrase of any target occurs in it, so it changes nothing: remove it, or check how it is written")
        for i in range(len(exceptions))
        if i not in concerned
    ]
    return policy.model_copy(update={"targets": targets}), problems


def _defaulted(policy: Policy) -> tuple[Policy, list[tuple[Place, str]]]:
    """Give each target the defaults for what it leaves out."""
    given = {name: value for name in Defaults.model_fields if (value := getattr(policy.defaults, name)) is not None}
    if not given:
        return policy, []
    problems: dict[Place, str] = {}
    targets = []
    for target in policy.targets:
        own = {name: value for name, value in given.items() if getattr(target, name) is None}
        if policy.defaults.detection is not None:
            own["detection"] = merged(target.detection, policy.defaults.detection)
        for place, text in places(own.get("say"), own.get("hint")).items():
            if says(text, target.all_phrases()):
                at = ("defaults", *place.split("."))
                problems[at] = f"it says a name or a phrase of target {target.id}: write a text that names nothing"
        targets.append(target.model_copy(update=own))
    return policy.model_copy(update={"targets": targets}), list(problems.items())


def _touches(exception: Excepted, phrases: list[Phrase]) -> bool:
    try:
        check(exception, phrases)
    except PhraseError:
        return False
    return True


def _too_many(policy: Policy) -> Iterator[tuple[Place, str]]:
    for i, target in enumerate(policy.targets):
        for name, message in excesses(target):
            yield ("targets", i, name), message


def _problem(place: Place, message: str, positions: dict[Place, Position], value: Any) -> Problem:
    """Return a mistake with its position. A key that is missing has no line: it gets the line of its mapping."""
    end = next(end for end in range(len(place), -1, -1) if place[:end] in positions)
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    target = id_of(at(value, place[:2])) if place[:1] == ("targets",) else None
    return Problem(*positions[place[:end]], path, message, target)
