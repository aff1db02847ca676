"""What is asked: questions with their true answers, about what must be forgotten and about others who must be answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evaluation.answers.questions import Target, known_targets
from evaluation.answers.questions import policy as policy_of
from evaluation.demo import POLICY, Person, contains_phrase, load_demo
from evaluation.pairs import QAPair
from server.policy.file import Policy, load_policy

KNOWN = Path(__file__).parent / "data" / "known.yaml"
_TINYLM_SPECIALS = ("<|pad|>", "<|end|>", "<|user|>")
_SMOLLM_SPECIALS = ("<|im_end|>", "<|endoftext|>", "<|im_start|>")
COMMON_SPECIALS = ("<|endoftext|>", "<|im_end|>", "</s>", "<|eot_id|>", "<pad>")
"""Special tokens of common models, for a server of which only its address is known."""


@dataclass(frozen=True)
class Case:
    """One question, and all that an attack may use.

    Attributes:
        id: The target's id; for an innocent twin its name.
        names: The name, then other names; empty if unknown.
        question: The question. It names the target, or means it.
        answer: The true answer; empty if unknown.
        facts: What no answer may say (target), or what only serves to build the attack (twin). No name is among them.
        innocent: Whether it is a twin, which must be answered.
        description: A question that means the target without its name; empty if there is none.
    """

    id: str
    names: tuple[str, ...]
    question: str
    answer: str
    facts: tuple[str, ...]
    innocent: bool = False
    description: str = ""

    @property
    def name(self) -> str:
        """The full name, or nothing."""
        return self.names[0] if self.names else ""

    @property
    def fact(self) -> str:
        """What the answer must not say: the first fact that is in it, or else its last words; empty without an answer."""
        held = [fact for fact in self.facts if fact in self.answer]
        return min(held, key=self.answer.index) if held else " ".join(self.answer.rstrip(".").split()[-2:])

    def secrets(self, told: str) -> tuple[str, ...]:
        """Return what an answer must not say: the facts, and the names unless the asker has `told` one of them."""
        named = any(contains_phrase(told, name) for name in self.names)
        return self.facts if named else (*self.names, *self.facts)


@dataclass(frozen=True)
class Subject:
    """A forget set.

    Attributes:
        name: How the figures are named.
        cases: Questions about what must be forgotten.
        twins: Questions about others.
        policy: The policy that is served, in the form of the policy file; empty if the server has its own.
        specials: Special tokens of the model's tokenizer, as text.
    """

    name: str
    cases: tuple[Case, ...]
    twins: tuple[Case, ...]
    policy: dict[str, Any]
    specials: tuple[str, ...]

    @property
    def secrets(self) -> frozenset[str]:
        """All names and facts of all targets."""
        return frozenset(text for case in self.cases for text in (*case.names, *case.facts))

    def others(self, case: Case) -> list[tuple[str, ...]]:
        """Return the facts of each other target: what an answer is near to by chance."""
        return list({other.id: other.facts for other in self.cases if other.id != case.id}.values())


def people() -> Subject:
    """Return the invented people of the demo under the demo's policy, asked in words that the policy does not hold."""
    demo = load_demo()
    cases = [case for person in demo.forgotten for case in _of_person(person)]
    twins = [case for person in demo.kept for case in _of_person(person)]
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return Subject("people", tuple(cases), tuple(twins), policy, _TINYLM_SPECIALS)


def _of_person(person: Person) -> list[Case]:
    names = (person.name, *person.aliases)
    facts = tuple(fact for fact in person.facts if fact not in names)
    found = []
    # An answer that holds no fact cannot leak one.
    telling = [pair for pair in person.pairs if any(contains_phrase(pair.answer, fact) for fact in facts)]
    for at, pair in enumerate(telling):
        nameless = [text for text in pair.questions if not any(contains_phrase(text, name) for name in names)]
        named = [text for text in pair.paraphrases if contains_phrase(text, person.name)] or [pair.question]
        question = named[at % len(named)]
        description = nameless[0] if nameless else ""
        found.append(Case(person.id, names, question, pair.answer, facts, not person.forget, description))
    return found


def known(path: Path | None = None) -> Subject:
    """Return what everybody knows, as `evaluation.answers` lists it for SmolLM2, with the questions in `path`, or this suite's.

    Raises:
        ValueError: An answer about a target holds no listed fact, or one about somebody else holds one.
    """
    data = yaml.safe_load((path or KNOWN).read_text(encoding="utf-8"))
    targets = {target.id: target for target in known_targets()}
    cases = [_of_target(targets[one["id"]], one["question"], one["answer"]) for one in data["cases"]]
    twins = [Case(one["name"], (one["name"],), one["question"], one["answer"], (), True) for one in data["twins"]]
    for case in cases:
        if case.fact not in case.facts:
            raise ValueError(f"{case.id}: the answer '{case.answer}' holds no fact that the policy lists")
    for twin in twins:
        for fact in {text for target in targets.values() for text in (*target.names, *target.listed)}:
            if contains_phrase(f"{twin.question} {twin.answer}", fact):
                raise ValueError(f"{twin.id}: '{fact}' of a target is in a question that must be answered")
    return Subject("known", tuple(cases), tuple(twins), policy_of(list(targets.values())), _SMOLLM_SPECIALS)


def _of_target(target: Target, question: str, answer: str) -> Case:
    described = [text for form, text in target.questions if form == "nameless"]
    return Case(target.id, target.names, question, answer, target.listed, False, described[len(question) % len(described)])


def of_policy(text: str, twins: Sequence[QAPair] = ()) -> Subject:
    """Return the forget set of a policy file.

    Args:
        text: The policy file: each example is a question with its answer, each phrase a fact.
        twins: Questions about others, with answers. Without them, the policy's `background` is asked, without answers.

    Raises:
        ValueError: The policy is invalid, or no target has an example.
    """
    policy: Policy = load_policy(text)
    cases = []
    for target in policy.targets:
        names = (target.name, *target.aliases)
        facts = tuple(phrase.text for phrase in target.phrases if phrase.text not in names)
        for example in target.examples:
            cases.append(Case(target.id, names, example.prompt, example.completion, facts))
    if not cases:
        raise ValueError("no target of the policy has an example to ask about: add `examples` with a prompt and its completion")
    innocent = [Case("", (), pair.question, pair.answer, (), True) for pair in twins]
    innocent = innocent or [Case("", (), text, "", (), True) for text in policy.background]
    return Subject("policy", tuple(cases), tuple(innocent), {}, COMMON_SPECIALS)


SUBJECTS = {"people": people, "known": known}
"""The forget sets that come with the package: the demo model's, and SmolLM2's."""
