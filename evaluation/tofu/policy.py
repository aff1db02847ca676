"""The policy that an operator would write from TOFU's forget set: names, examples, and the phrases that the server proposes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from classifiers.proposals.extract import extract
from classifiers.proposals.frequency import BackgroundFrequency
from evaluation.data import TOFU, tofu
from evaluation.detection.sets import BACKGROUND_STEP, Forget

ABSTAIN, REPHRASE, MASK, REFUSE, LEXICAL, ALWAYS = "abstain", "rephrase", "mask", "refuse", "lexical", "always"
WAYS = (ABSTAIN, REPHRASE, MASK, REFUSE, LEXICAL, ALWAYS)
"""What becomes of answers about a target: one of the server's ways to answer, the first of which is its default, or a refusal;
`abstain` without embedding matching; and `abstain` with no examples, where each phrase is banned in every answer."""


def policy(forget: str, way: str, authors: int | None = None, folder: Path = TOFU) -> dict[str, Any]:
    """Return a policy in the form of the server's policy file.

    Every proposed phrase is accepted as it is. Every second question about a kept author is in the background, as in
    `evaluation.detection`.

    Args:
        forget: "forget01", "forget05" or "forget10".
        way: One of `WAYS`.
        authors: How many of its authors are targets; None for all.
        folder: TOFU's files.
    """
    targets, background = _told(forget, authors, folder)
    answer = way if way in (ABSTAIN, REPHRASE, MASK) else ABSTAIN
    return {
        "version": 1,
        "defaults": {"answer": answer},
        "targets": [_in(way, target) for target in targets],
        "background": background,
    }


def _in(way: str, target: dict[str, Any]) -> dict[str, Any]:
    """Return a target with what a way of answering makes of it."""
    if way == ALWAYS:
        return {**target, "examples": [], "phrases": [{**phrase, "scope": "always"} for phrase in target["phrases"]]}
    if way == LEXICAL:
        return {**target, "semantic": None}
    return {**target, "action": "refuse" if way == REFUSE else "suppress"}


@lru_cache(maxsize=4)
def _told(forget: str, authors: int | None, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the targets without their action, and the background: the same for every way."""
    kept = tofu("retain90", folder)[::BACKGROUND_STEP]
    frequency = BackgroundFrequency([line["answer"] for line in kept])
    targets = []
    for target in Forget(forget, authors, folder).targets:
        phrases = [one.phrase for one in extract(target, frequency)]
        targets.append(
            {
                "id": target.id,
                "name": target.name,
                "examples": [{"prompt": one.prompt, "completion": one.completion} for one in target.examples],
                "phrases": [{"text": phrase.text, "scope": phrase.scope, "force": True} for phrase in phrases],
            }
        )
    return targets, [line["question"] for line in kept]
