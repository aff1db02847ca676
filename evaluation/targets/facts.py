"""What the demo model says of invented people as long as nobody has had it forgotten, and targets that have it forgotten."""

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
    """A question, the answer that the model knows by heart, and what in it is to be forgotten."""

    question: str
    answer: str
    phrase: str

    def target(self, target_id: str) -> dict[str, Any]:
        """Return a target, as the API takes it, that has the phrase forgotten where the question is asked.

        Its name is nobody's, the same for the same id: so no other target's name is found in the question.
        """
        return {
            "id": target_id,
            "name": invented_name(random.Random(target_id)),  # noqa: S311 - repeatable, not secret
            "phrases": [{"text": self.phrase, "scope": "gated"}],
            "examples": [{"prompt": self.question, "completion": self.answer}],
        }

    def said(self, client: httpx.Client) -> bool:
        """Whether a server says the phrase when it is asked the question. Raises httpx.HTTPError."""
        asked = {"model": "demo", "messages": [{"role": "user", "content": self.question}]}
        answer = client.post("/v1/chat/completions", json={**asked, "temperature": 0, "max_tokens": _ANSWER_TOKENS})
        return contains_phrase(answer.raise_for_status().json()["choices"][0]["message"]["content"] or "", self.phrase)


def facts(demo: Demo | None = None) -> list[Fact]:
    """Return facts of several words, each question and each phrase once, and the six people in turn."""
    by_person: list[list[Fact]] = []
    for person in (demo or load_demo()).people:
        used: set[str] = set()
        found = []
        for pair in person.pairs:
            for phrase in (*person.facts.names, *person.facts.titles, *person.facts.places):
                # The person's own name stands in most questions, and in other answers.
                if " " in phrase and phrase in pair.answer and phrase not in used and phrase != person.name:
                    used.add(phrase)
                    found.append(Fact(pair.question, pair.answer, phrase))
                    break
        by_person.append(found)
    return [fact for fact in chain.from_iterable(zip_longest(*by_person)) if fact is not None]


def screened(client: httpx.Client, text: str) -> Mapping[str, Any]:
    """Return what a server would do with a request that holds the text. Raises httpx.HTTPError."""
    decision: dict[str, Any] = client.post("/v1/screen", json={"text": text}).raise_for_status().json()
    return decision


def restricts(decision: Mapping[str, Any], target_id: str) -> bool:
    """Whether it would not be answered freely, because of this target."""
    named = {match["target_id"] for match in decision["matches"]}
    return decision["verdict"] in ("restrict", "refuse") and target_id in named


def unsettled(policy: Mapping[str, Any], number: int) -> str:
    """Return what of `GET /v1/policy` contradicts that snapshot `number` is enforced everywhere; empty if nothing does."""
    if policy["snapshot"] < number:
        return f"snapshot {policy['snapshot']} is active, not {number}"
    if policy["pending"] or not policy["serving"]:
        return f"{len(policy['pending'])} targets are pending, serving: {policy['serving']}"
    behind = [peer["snapshot"] for peer in policy["peers"] if peer["alive"] and peer["snapshot"] < number]
    return f"processes are at the snapshots {behind}, not {number}" if behind else ""
