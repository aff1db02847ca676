"""Pasted facts: a prompt that gives away facts of a target whose facts must not be in a prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from classifiers.answering import InContext
from classifiers.naming.search import NAME, Search
from classifiers.protocol import Match
from classifiers.target import ForgetTarget
from guard.forms.judgement import looks_like_name
from guard.phrase import Phrase

FACT = 0.8
"""Score of facts of a target that must not be in a prompt."""
# A gated phrase of this many words is no chance.
_PASSAGE = 5
# The fewest digits of a number that is a hint.
_NUMBER = 4


class PastedFacts:
    """Finds the gated phrases of targets with `InContext.REFUSE`."""

    def __init__(self, targets: Sequence[ForgetTarget], in_context: InContext) -> None:
        """Compile the phrases.

        Args:
            targets: The forget targets.
            in_context: What happens to facts in a prompt if the target does not say it.
        """
        facts: dict[str, dict[str, str]] = {}
        for target in targets:
            if target.action.bans and (target.in_context or in_context) is InContext.REFUSE:
                for phrase in target.phrases:
                    if phrase.scope == "gated" and (evidence := _telling(phrase)):
                        facts.setdefault(phrase.folded, {})[target.id] = evidence
        self._facts = Search(facts, "word") if facts else None

    def find(self, folded: str) -> list[Match]:
        """Return the targets whose facts a folded text gives away."""
        held = self._facts.held(folded) if self._facts else {}
        hints: Counter[str] = Counter()
        for text, owners in held.items():
            # "1961" in "3 February 1961" is no second fact.
            if not any(f" {text} " in f" {other} " for other in held if other != text):
                hints.update(owners.keys())
        told = {target_id for owners in held.values() for target_id, evidence in owners.items() if evidence == "fact"}
        return [Match(target_id, FACT, "fact", NAME) for target_id, count in hints.items() if count > 1 or target_id in told]


def _telling(phrase: Phrase) -> str:
    """Return "fact" if a gated phrase alone gives its target away, "hint" if two do, "" if any number of them may be chance."""
    words = phrase.folded.split()
    if looks_like_name(phrase.text) or len(words) >= _PASSAGE:
        return "fact"
    return "hint" if len(words) > 1 or (words[0].isdigit() and len(words[0]) >= _NUMBER) else ""
