"""Write the demo's policy from its people, so that the two agree: `python -m evaluation.demo.policy`."""

from __future__ import annotations

from typing import Any

import yaml

from classifiers.banned import check_cut
from evaluation.demo import POLICY, Demo, Person, load_demo
from guard.errors import PhraseError
from guard.phrase import Phrase

BETAS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
HEADER = "# The policy of the demo. Written by `python -m evaluation.demo.policy` from people.yaml and general.yaml.\n"


def build_policy(demo: Demo) -> dict[str, Any]:
    """Return the policy that suppresses the forgotten people, as the server's policy file has it.

    Examples and background are original questions only: measurements ask the paraphrases, so the classifier must not see them.
    """
    return {
        "version": 1,
        "targets": [_target(person) for person in demo.forgotten],
        "background": [pair.question for pair in demo.innocent],
    }


def _target(person: Person) -> dict[str, Any]:
    # Names and titles are invented and several words long: no innocent answer needs them. Dates and cities occur in innocent
    # answers too, so they are banned only when the prompt is about the person.
    always = (*person.facts.names, *person.facts.titles)
    gated = (*person.facts.dates, *person.facts.places)
    return {
        "id": person.id,
        "name": person.name,
        "aliases": list(person.aliases),
        "action": "suppress",
        "examples": [{"prompt": pair.question, "completion": pair.answer} for pair in person.pairs],
        "phrases": [*(_phrase(text, "always") for text in always), *(_phrase(text, "gated") for text in gated)],
    }


def _phrase(text: str, scope: str) -> dict[str, Any]:
    # So small a model gets round a ban on the last letters with a slip, such as "Siglufjörð?ur". So the ban starts halfway,
    # or where what is cut is still a phrase by itself: "1949" is not cut at all.
    return {"text": text, "scope": scope, "beta": next(beta for beta in BETAS if _accepted(text, scope, beta))}


def _accepted(text: str, scope: str, beta: float) -> bool:
    try:
        check_cut(Phrase(text, scope, beta=beta))  # type: ignore[arg-type]
    except PhraseError:
        return False
    return True


def render_policy(demo: Demo) -> str:
    """Return the text of policy.yaml."""
    return HEADER + yaml.safe_dump(build_policy(demo), allow_unicode=True, sort_keys=False, width=120)


if __name__ == "__main__":
    POLICY.write_text(render_policy(load_demo()), encoding="utf-8")
    print(POLICY)
