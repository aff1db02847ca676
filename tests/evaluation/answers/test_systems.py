from __future__ import annotations

import pytest

from classifiers.answering import SAY
from evaluation.answers import systems
from evaluation.answers.questions import known_targets
from server.policy.file import Policy

FACTS = ["Ron Weasley", "Hogwarts", "Hogwarts School"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("His friend is Ron Weasley, of course.", "His friend is"),
        ("ron  WEASLEY", ""),
        ("He goes to Hogwarts School and likes Ron Weasley.", "He goes to"),
        ("His friend is Ron. Weasley", "His friend is"),
        ("Nothing to see here.", "Nothing to see here."),
        ("Ron Weasleys", "Ron Weasleys"),
        ("", ""),
    ],
)
def test_the_filter_cuts_before_the_first_fact(text: str, expected: str) -> None:
    assert systems.cut(text, FACTS) == expected


def test_the_prompt_names_what_must_not_be_said() -> None:
    names = [target.name for target in known_targets()]
    prompt = systems.refusing_prompt(names)
    assert all(name in prompt for name in names)
    assert SAY in prompt


def test_every_way_of_the_server_is_compared_as_far_as_its_policy_knows_it() -> None:
    assert systems.names()[:5] == ("none", "prompt", "filter", "beam", "default")
    rest = systems.names()[5:]
    ways = ("mask", "rephrase", "abstain", "mask-ban", "rephrase-ban", "abstain-ban", "rephrase-hint")
    assert rest == (ways if "defaults" in Policy.model_fields else ())
