"""Advice: what the examples of a target are expected to find, said in a sentence, and what would make it better."""

from __future__ import annotations

from collections.abc import Iterator

from classifiers.profile.words import informative, words_of
from classifiers.target import ForgetTarget

ENOUGH = 5
"""The number of examples from which on more of them are not proposed."""
# A completion of fewer words is a bare answer ("Oslo") and no statement of a fact.
_STATEMENT = 4
# The information of a word that can tell a fact: a rare word or a name.
_TELLING = 0.8


def advice(target: ForgetTarget, missed: float | None, promised: float) -> str | None:
    """Return what to expect of a target's examples and what to add, in one sentence that quotes nothing.

    Args:
        target: The target, with its examples.
        missed: The share that is expected to be missed of the questions that do not name it and that no example asks
            (`TargetCalibration.missed`); None if it is not known.
        promised: The miss rate that is wanted, in (0, 1).

    Returns:
        The sentence, without a full stop; None if the target has no examples or `missed` is at most `promised`.
    """
    count = len(target.examples)
    if not count or (count > 1 and missed is not None and missed <= promised):
        return None
    asked = "the questions that do not name the target and that no example asks would be missed"
    if count == 1:
        found = f"what share of {asked} cannot be estimated from one example"
    elif missed is None:
        found = (
            f"what share of {asked} cannot be estimated from these {count} examples: without the name they do not tell who or "
            "what is meant"
        )
    else:
        found = f"with these {count} examples {_share(missed)} {asked}"
    proposed = list(proposals(target))
    return f"{found}; add {_listed(proposed)}" if proposed else found


def proposals(target: ForgetTarget) -> Iterator[str]:
    """Yield what the target lacks that helps to find questions about it, the most helpful first."""
    if not target.documents:
        yield "a document about it"
    if len(target.examples) < ENOUGH:
        yield "more examples"
    completions = [example.completion for example in target.examples]
    if any(len(words_of(completion)) < _STATEMENT for completion in completions):
        yield "completions that state its facts in whole sentences"
    asked = [example.prompt for example in target.examples]
    listed = informative([*target.names, *asked, *(phrase.text for phrase in target.phrases)])
    if any(told >= _TELLING and stem not in listed for stem, told in informative(completions).items()):
        yield "phrases for the facts in its completions"
    if not target.aliases:
        yield "other names, if it has any, as aliases"


def _share(missed: float) -> str:
    """Return a share in whole per cent: it comes from a dozen texts or fewer."""
    percent = round(100 * missed)
    if percent >= 100:
        return "nearly all of"
    return f"about {percent}% of" if percent else "fewer than 1% of"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}{',' if len(parts) > 2 else ''} or {parts[-1]}"
