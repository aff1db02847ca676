"""Owners: which targets ban a phrase that an answer was about to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from classifiers import ForgetTarget


def owners(patterns: Sequence[str], targets: Mapping[str, ForgetTarget], about: Iterable[str]) -> list[str]:
    """Return the ids of the targets that ban one of the `patterns`: those in `about` if there are any, else others.

    It reads the own phrases of all targets where those in `about` do not ban it: run it on a thread if there are many.

    Args:
        patterns: Folded patterns of phrases or of their forms.
        targets: All targets by id.
        about: The ids of targets to look at first.
    """
    wanted = set(patterns)
    if not wanted:
        return []
    first = [target for target in about if target in targets]
    if found := [target for target in first if _bans(targets[target], wanted)]:
        return found
    words = {word for pattern in wanted for word in pattern.split()}
    rest = (target for target in targets if target not in first)
    return [target for target in rest if _may_ban(targets[target], words) and _bans(targets[target], wanted)]


def _bans(target: ForgetTarget, patterns: set[str]) -> bool:
    return target.action.bans and any(phrase.pattern in patterns for phrase in target.all_phrases())


def _may_ban(target: ForgetTarget, words: set[str]) -> bool:
    return target.action.bans and any(not words.isdisjoint(phrase.pattern.split()) for phrase in target.own_phrases())
