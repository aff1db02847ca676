"""Compiled exceptions: which occurrences of phrases are none, because they are inside a text that may be said.

The exceptions' texts are in the automaton's trie as the phrases are, without penalties. So a state knows how far an exception has
been said, and which phrases have been said in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from guard.errors import PhraseError
from guard.excepted import Excepted
from guard.folding import DOT, SPACE
from guard.form import Form
from guard.matching import kernels
from guard.matching.automaton import ROOT, Automaton
from guard.matching.patterns import ENDING, KIND_OF, OPEN, WORD, places
from guard.phrase import Phrase
from guard.reference import excuses_gap, occurrences


@dataclass(frozen=True, eq=False)
class Exceptions:
    """Compiled exceptions; immutable.

    Attributes:
        own: float32 [3, nodes]; the highest penalty of the phrases that end at each node itself: whatever follows, at the end of
            a word, at an ending. The penalties of an automaton include those of suffixes.
        ends: int32 [exceptions]; the node at which each exception's text ends.
        inside: int32 [n, 3]; the phrases that each exception excuses, one exception after the other: the node at which the
            phrase ends, whether a word must end there (1) or not (0), and where in the exception's path the phrase ends.
        start: int64 [exceptions + 1]; where those of each exception begin in `inside`, and where the last ones end.
        gapped: bool [exceptions]; whether each exception ends with a name with one more word in it, which it excuses.
    """

    own: NDArray[np.float32]
    ends: NDArray[np.int32]
    inside: NDArray[np.int32]
    start: NDArray[np.int64]
    gapped: NDArray[np.bool_]

    @classmethod
    def build(
        cls, automaton: Automaton, own: NDArray[np.float32], phrases: Sequence[Phrase], exceptions: Sequence[Excepted]
    ) -> Exceptions:
        """Find the phrases inside each exception. `own`: see the class; the other arguments are what was compiled."""
        writers: dict[tuple[bytes, int], set[str]] = defaultdict(set)
        for phrase in phrases:
            for text, part in places(phrase):
                writers[text, int(KIND_OF[part] != OPEN)].add(phrase.pattern)
        inside: list[list[tuple[int, int, int]]] = []
        for exception in exceptions:
            found = {(o.node, o.closed, o.end) for o in scan(automaton, own, _spoken(exception.pattern)).occurrences}
            allowed = exception.phrases
            inside.append(sorted(o for o in found if allowed is None or writers[automaton.path(o[0]), o[1]] <= allowed))
        ends = [automaton.node(SPACE + exception.pattern) for exception in exceptions]
        start = np.append(0, np.cumsum([len(held) for held in inside])).astype(np.int64)
        pairs = np.array([one for held in inside for one in held], np.int32).reshape(-1, 3)
        # An exception excuses few of many phrases, and is compared with these alone.
        written: dict[str, list[Phrase]] = defaultdict(list)
        for phrase in phrases:
            written[phrase.pattern].append(phrase)
        own_of = (phrases if e.phrases is None else [p for w in e.phrases for p in written.get(w, ())] for e in exceptions)
        gapped = [any(map(partial(excuses_gap, e), few)) for e, few in zip(exceptions, own_of, strict=True)]
        return cls(own, np.array(ends, np.int32), pairs, start, np.array(gapped, np.bool_))

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """Return the arrays by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @cached_property
    def excused(self) -> list[frozenset[tuple[int, int, int]]]:
        """For each exception the phrases that it excuses: see `inside`."""
        inside = [(int(node), int(closed), int(end)) for node, closed, end in self.inside]
        return [frozenset(inside[first:last]) for first, last in pairwise(self.start.tolist())]

    def begun(self, automaton: Automaton) -> dict[int, list[int]]:
        """Return for each node the exceptions whose text begins with the path to it, which may be a space alone."""
        found: dict[int, list[int]] = defaultdict(list)
        for index, node in enumerate(self.ends.tolist()):
            while node != ROOT:
                found[node].append(index)
                node = automaton.parent(node)
        return found


def check(exception: Excepted, phrases: Iterable[Phrase]) -> None:
    """Check that an exception makes sense beside `phrases`, forms included.

    Raises:
        PhraseError: It is a phrase itself, which it would switch off; or none of the phrases occurs in it.
    """
    touched = False
    for phrase in phrases:
        if exception.phrases is not None and phrase.pattern not in exception.phrases:
            continue
        if phrase.pattern == exception.pattern and not isinstance(phrase, Form):
            raise PhraseError("the exception is the phrase itself, which it would switch off: remove the phrase instead")
        touched = touched or bool(occurrences(phrase, _spoken(exception.pattern).decode()))
    if not touched:
        raise PhraseError("no phrase occurs in the exception, so it changes nothing: remove it, or check how it is written")


def joined(exceptions: Iterable[Excepted]) -> list[str]:
    """Return the texts in which one exception goes over into another one: "Beatrix Potter Stewart".

    They belong in the trie, so that in the middle of the second exception the first is not forgotten.
    """
    patterns = [exception.pattern for exception in exceptions]
    beginnings = defaultdict(list)
    for pattern in patterns:
        for at, letter in enumerate(pattern):
            if letter in SPACE + DOT:
                beginnings[pattern[:at]].append(pattern)
    found = []
    for pattern in patterns:
        for at, letter in enumerate(pattern):
            if letter in SPACE + DOT:
                found += [pattern[: at + 1] + other for other in beginnings.get(pattern[at + 1 :], ())]
    return found


class Occurrence(NamedTuple):
    """A phrase in a text.

    Attributes:
        begin, end: Where, in bytes of a pattern.
        node: The node at which it ends.
        closed: 1 if a word must end there, behind an ending or none; else 0.
        penalty: What it costs in this text. A phrase that may carry an ending can cost less with one.
    """

    begin: int
    end: int
    node: int
    closed: int
    penalty: float

    @property
    def place(self) -> tuple[int, int, int, int]:
        """What makes it the same occurrence in a longer text."""
        return self[:4]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a text holds, with positions in bytes of its pattern. `Excusing` says what of it is excused.

    Attributes:
        occurrences: The phrases.
        state: The state behind the text.
        states: For each position the state there, in which phrases and exceptions may end.
        ended: For each position whether a word ends there and something follows.
    """

    occurrences: list[Occurrence]
    state: int
    states: list[int]
    ended: list[bool]


def scan(
    automaton: Automaton, own: NDArray[np.float32], text: bytes, remaining: Mapping[int, Sequence[float]] | None = None
) -> Scan:
    """Read folded `text` from the root and find the phrases' own ends in it.

    Args:
        automaton: The automaton.
        own: That of `Exceptions`.
        text: The text.
        remaining: The penalties of nodes that end less in this text than `own` says, by kind.
    """
    state, found, gap = ROOT, [], False
    states, ended = [ROOT], [False]
    data = np.frombuffer(text, np.uint8)
    for at, byte in enumerate(text):
        state = int(kernels.step(*automaton.paths, state, byte))
        if byte in b" ." and gap:
            states[-1] = state  # a dot and a space are one place in a pattern
            continue
        gap = byte in b" ."
        ended[-1] = gap
        states.append(state)
        ended.append(False)
        if gap:
            continue
        at_end = at + 1 == len(text) or text[at + 1] in b" ."
        position = len(states) - 1
        for node in automaton.chain(state)[:-1]:
            ends = remaining[node] if remaining and node in remaining else own[:, node].tolist()
            begin = position - int(automaton.level[node])
            if ends[OPEN]:
                found.append(Occurrence(begin, position, node, 0, ends[OPEN]))
            if at_end and ends[WORD]:
                found.append(Occurrence(begin, position, node, 1, ends[WORD]))
            elif ends[ENDING] and not at_end and _carries_ending(automaton, data, at + 1):
                found.append(Occurrence(begin, position, node, 1, ends[ENDING]))
    return Scan(found, state, states, ended)


def _carries_ending(automaton: Automaton, text: NDArray[np.uint8], at: int) -> bool:
    return bool(kernels.carries_ending(automaton.e_child, automaton.e_label, automaton.e_stop, text, at))


def _spoken(pattern: str) -> bytes:
    """Return the folded text that says a pattern."""
    return (SPACE + pattern.replace(DOT, DOT + SPACE)).encode()
