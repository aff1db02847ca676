from __future__ import annotations

import yaml

from evaluation.demo import POLICY, load_demo
from evaluation.demo.policy import render_policy

DEMO = load_demo()


def test_policy_is_what_people_and_general_say() -> None:
    assert POLICY.read_text(encoding="utf-8") == render_policy(DEMO), "run python -m evaluation.demo.policy"


def test_policy_names_the_forgotten_with_all_their_facts_and_originals_only() -> None:
    policy = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    assert policy["version"] == 1
    assert [(t["id"], t["name"], tuple(t["aliases"])) for t in policy["targets"]] == [
        (p.id, p.name, p.aliases) for p in DEMO.forgotten
    ]
    for target, person in zip(policy["targets"], DEMO.forgotten, strict=True):
        assert [(e["prompt"], e["completion"]) for e in target["examples"]] == [(p.question, p.answer) for p in person.pairs]
        scopes = {phrase["text"]: phrase["scope"] for phrase in target["phrases"]}
        assert scopes == {
            **dict.fromkeys((*person.facts.names, *person.facts.titles), "always"),
            **dict.fromkeys((*person.facts.dates, *person.facts.places), "gated"),
        }
    innocent = [pair for person in DEMO.kept for pair in person.pairs] + list(DEMO.general)
    assert policy["background"] == [pair.question for pair in innocent]
