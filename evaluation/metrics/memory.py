"""How much of a text a model knows by heart, from what it finds likeliest at each token while it is given those before."""

from __future__ import annotations

from collections.abc import Sequence


def exact_memorization(likeliest: Sequence[int], tokens: Sequence[int]) -> float:
    """Return the share of tokens that are the likeliest (Tirumala et al. 2022, arXiv 2205.10770), from 0 to 1.

    Args:
        likeliest: For each token of the text the id that the model finds likeliest there.
        tokens: The ids of the text.

    Raises:
        ValueError: The text is empty, or the lengths differ.
    """
    return sum(_right(likeliest, tokens)) / len(tokens)


def extraction_strength(likeliest: Sequence[int], tokens: Sequence[int]) -> float:
    """Return the share of the text that the model completes by itself (Carlini et al. 2021, arXiv 2012.07805), from 0 to 1.

    It is 1 - k/n for the smallest prefix of k of n tokens behind which every token is the likeliest. Arguments and errors are
    those of `exact_memorization`.
    """
    right = _right(likeliest, tokens)
    completed = 0
    for hit in reversed(right):
        if not hit:
            break
        completed += 1
    return completed / len(right)


def _right(likeliest: Sequence[int], tokens: Sequence[int]) -> list[bool]:
    if not tokens:
        raise ValueError("the text has no tokens")
    return [one == other for one, other in zip(likeliest, tokens, strict=True)]
