"""Letters that are other words: "Justin Case" in "just in case"."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from guard.frequency import commonness, english_words
from guard.stopwords import COMMON_WORDS

# The Zipf value from which on a word is read where a name's letters are cut into words.
_FREQUENT = 5.0


@lru_cache(maxsize=1)
def _frequent() -> frozenset[str]:
    long = (word for word in english_words() if len(word) > 3 and commonness(word) >= _FREQUENT)
    return frozenset([*long, *(word for word in COMMON_WORDS if len(word) > 1)])


def recut(own: Sequence[str], names: AbstractSet[str] = frozenset()) -> bool:
    """Return whether the letters of words can be cut into other words, at most one more, all of them very frequent in English.

    Args:
        own: Folded words.
        names: Words that do not count, because they are names more often.
    """
    frequent = _frequent()

    def cut(rest: str, before: list[str]) -> bool:
        if not rest:
            return before != list(own)
        return len(before) <= len(own) and any(
            rest[:size] in frequent and rest[:size] not in names and cut(rest[size:], [*before, rest[:size]])
            for size in range(2, len(rest) + 1)
        )

    return cut("".join(own), [])
