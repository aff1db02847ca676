"""What a state of the automaton is, the slow way: the longest beginning of a pattern with which the text ends."""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from guard.folding import DOT, SPACE
from guard.matching.automaton import Automaton
from guard.phrase import Phrase

# Words on both sides of the length at which a word may end a sentence, with sentence ends between them.
WORDS = ["a", "ab", "bab", "abab", "babab"]


@st.composite
def _sentences(draw: st.DrawFn) -> str:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    gaps = [draw(st.sampled_from([" ", " ", ". "])) for _ in words[1:]]
    return "".join(part for pair in zip(words, [*gaps, ""], strict=True) for part in pair)


sentences = st.lists(
    st.builds(
        lambda text, match: Phrase(text, "gated", match, force=True),
        _sentences(),
        st.sampled_from(["word", "prefix", "substring"]),
    ),
    min_size=1,
    max_size=6,
)
# Folded text as it arrives: a dot, a space, or a dot and a space between words.
folded = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", ".", ". "])), max_size=6).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)


def joined(strings: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return strings as the loops want them: their bytes, and where each begins."""
    start = np.cumsum([0, *map(len, strings)])
    return np.frombuffer(b"".join(strings), np.uint8), start


def paths(first_child: NDArray[np.int32], label: NDArray[np.uint8]) -> list[bytes]:
    """Return what leads to each node, from the root."""
    made = [b""] * len(label)
    for node in range(len(label)):
        for child in range(first_child[node], first_child[node + 1]):
            made[child] = made[node] + bytes([label[child]])
    return made


def paths_of(automaton: Automaton) -> list[str]:
    """Return what leads to each node; the automaton's patterns are ASCII."""
    return [path.decode() for path in paths(automaton.first_child, automaton.label)]


@lru_cache(maxsize=4096)
def _ending(path: str) -> re.Pattern[str]:
    parts = re.split("([ .])", path)
    expression = ""
    for at, part in enumerate(parts):
        if part == DOT:
            expression += r"\. "
        elif part == SPACE:
            brief = len(parts[at - 1]) <= 3
            expression += r"(?:\. ?| )" if brief else r"(?:\.(?! )| )"
        else:
            expression += part
    return re.compile(expression + r"\Z")


def ends_with(text: str, path: str) -> bool:
    """Return whether folded `text`, which does not end with a dot, ends with the text of `path`."""
    return _ending(path).search(text) is not None


def longest(automaton: Automaton, text: str) -> int:
    """Return the node of the longest path with which folded `text` ends."""
    held = [(len(path), node) for node, path in enumerate(paths_of(automaton)) if ends_with(text, path)]
    return max(held)[1]
