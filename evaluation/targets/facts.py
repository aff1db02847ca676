"""What the demo model says about invented people, and targets that make a server forget it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

import httpx

from evaluation.baselines.phrases import invented_name
from evaluation.demo import Demo, contains_phrase, load_demo

_ANSWER_TOKENS = 64


@dataclass(frozen=True)
class Fact:
    """A question, the answer that the model knows by heart, and the phrase in it that a target forbids."""

    question: str
    answer: str
    phrase: str

    def target(self, target_id: str) -> dict[str, Any]:
        """Return a target, as the API takes it, that forbids the phrase where the question is asked.

        Its name is invented, and is the same for the same id: so the question holds no target's name.
        """
        return {
            "id": target_id,
            "name": invented_name(random.Random(target_id)),  # noqa: S311 - repeatable, not secret
            "phrases": [{"text": self.phrase, "scope": "gated"}],
            "examples": [{"prompt": self.question, "completion": self.answer}],
        }

    def said(self, client: httpx.Client) -> bool:
        """Whether a server's answer to the question holds the phrase. Raises httpx.HTTPError if it does not answer."""
        asked = {"model": "demo", "messages": [{"role": "user", "content": self.question}]}
        answer = client.post("/v1/chat/completions", json={**asked, "temperature": 0, "max_tokens": _ANSWER_TOKENS})
        return contains_phrase(answer.raise_for_status().json()["choices"][0]["message"]["content"] or "", self.phrase)


def facts(demo: Demo | None = None) -> list[Fact]:
    """Return facts whose phrases have several words; no question and no phrase comes twice, and the six people take turns."""
    by_person: list[list[Fact]] = []
    for person in (demo or load_demo()).people:
        used: set[str] = set()
        found = []
        for pair in person.pairs:
            for phrase in (*person.facts.names, *person.facts.titles, *person.facts.places):
                # The person's own name occurs in most questions, and in other answers.
                if " " in phrase and phrase in pair.answer and phrase not in used and phrase != person.name:
                    used.add(phrase)
                    found.append(Fact(pair.question, pair.answer, phrase))
                    break
        by_person.append(found)
    return [fact for fact in chain.from_iterable(zip_longest(*by_person)) if fact is not None]


def screened(client: httpx.Client, text: str) -> Mapping[str, Any]:
    """Return what a server would decide about a request that holds the text. Raises httpx.HTTPError if it does not answer."""
    decision: dict[str, Any] = client.post("/v1/screen", json={"text": text}).raise_for_status().json()
    return decision


def restricts(decision: Mapping[str, Any], target_id: str) -> bool:
    """Whether the decision restricts or refuses the answer because of this target."""
    named = {match["target_id"] for match in decision["matches"]}
    return decision["verdict"] in ("restrict", "refuse") and target_id in named


def unsettled(policy: Mapping[str, Any], number: int) -> str:
    """Return what in `GET /v1/policy` contradicts that every server enforces snapshot `number`; empty if nothing does."""
    if policy["snapshot"] < number:
        return f"snapshot {policy['snapshot']} is active, not {number}"
    if policy["pending"] or not policy["serving"]:
        return f"{len(policy['pending'])} targets are pending, serving: {policy['serving']}"
    behind = [peer["snapshot"] for peer in policy["peers"] if peer["alive"] and peer["snapshot"] < number]
    return f"processes are at the snapshots {behind}, not {number}" if behind else ""
