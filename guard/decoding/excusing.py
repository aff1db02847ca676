"""Excusing: what the exceptions of a restriction change about the bans of a state.

Without exceptions, a state's bans are the union of parts that are computed once for each node. With them, a phrase that begins
inside an exception may be said, so a part's bans may depend on the whole state. This concerns only the states in which an
exception has been begun (`relevant`). Each of these has its bans computed anew, by reading the texts of the tokens in question.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from guard.ban import Ban
from guard.folding import StreamFolder
from guard.matching import gapkernels, kernels, trie
from guard.matching.automaton import Automaton
from guard.matching.exceptions import Exceptions, Occurrence, Scan, scan
from guard.matching.gaps import GapAutomaton, GapState
from guard.tokens.vocabulary import Vocabulary

_GAPS = b" ."
_OTHER = b"\x01"
"""A letter that is in no folded text, and so in no pattern."""


class Excusing:
    """The exceptions of one restriction, over one vocabulary."""

    def __init__(self, exceptions: Exceptions, automaton: Automaton, vocabulary: Vocabulary) -> None:
        self._exceptions = exceptions
        self._automaton = automaton
        self._vocabulary = vocabulary
        self._begun = exceptions.begun(automaton)
        begun = np.zeros(len(automaton), np.bool_)
        begun[list(self._begun)] = True
        # bool [nodes]: the states in which an exception has been begun.
        self.relevant: NDArray[np.bool_] = trie.inherited(begun, automaton.fail)
        self._paths = [automaton.path(int(end)) for end in exceptions.ends]
        # The penalties of nodes that end less than the restriction says, by kind.
        self._remaining: Mapping[int, Sequence[float]] = {}
        # For each exception the letters that a token must have to bring it together with a phrase.
        self._least = [self._least_letters(index) for index in range(len(exceptions.ends))]

    def _least_letters(self, index: int) -> bytes:
        path = self._paths[index]
        found = scan(self._automaton, self._exceptions.own, path.replace(b".", b". ")).occurrences
        ends = [one.end for one in found if (one.node, one.closed, one.end) in self._exceptions.excused[index]]
        return _letters(path[: min(ends, default=len(path))])

    def less(self, remaining: Mapping[int, Sequence[float]]) -> Excusing:
        """Return the same for an answer in which some nodes have no more than the penalties `remaining`, by kind."""
        other = copy.copy(self)
        other._remaining = remaining
        return other

    def _scan(self, text: bytes) -> Scan:
        return scan(self._automaton, self._exceptions.own, text, self._remaining)

    def concerns(self, state: int) -> bool:
        """Return whether an exception has been begun in a state, so that its bans are `bans`."""
        # A word begins behind a dot, and so may an exception.
        return state >= len(self._automaton) or bool(self.relevant[state])

    def outside(self, ban: Ban, before: bytes = b"") -> Ban:
        """Return `ban` with the exceptions that its tokens bring for what they say, behind the text `before`."""
        return self._judged(ban, before, self._suspects(ban, set()))

    def bans(self, state: int, ban: Ban) -> Ban:
        """Return the bans of a state that `concerns` is true of.

        Args:
            state: The state.
            ban: What would be banned if there were no exceptions.
        """
        path, v = self._automaton.said(state), self._vocabulary
        rests = self._rests(state)
        owed = self._owed(path)
        if not owed:
            return self._judged(ban, path, self._suspects(ban, rests))
        # A phrase has been said, so the exception must be said to its end: nothing else may follow, not even the answer's end.
        # What does not go on with it is judged together, by a letter that no phrase has.
        judged = [*self._suspects(ban, rests), *self._following(rests), *v.breaking.tolist(), *self.carried.tolist()]
        first = {" ": v.spacing, ".": np.setdiff1d(v.gapped, v.spacing), "": np.sort(v.order[v.lettered :])}
        parts = [self._judged(ban, path, judged)]
        for lead, tokens in first.items():
            parts.append(_penalised(np.setdiff1d(tokens, judged), self.penalty(path, lead.encode() + _OTHER)))
        silent = np.array([token for token in range(len(v)) if not v.raw[token]], np.int64)
        return Ban.merged([*parts, _penalised(silent, owed)])

    def gapped(self, state: int, ban: Ban, gaps: GapAutomaton, at: GapState, pending: bytes = b"") -> Ban:
        """Return the ban of names with one more word in them, less those with which an exception ends that holds such a name.

        Args:
            state: The state.
            ban: What would be banned if there were no exceptions.
            gaps: The names.
            at: The state in them.
            pending: The bytes of an unfinished character behind the state.
        """
        if not len(ban) or not self._exceptions.gapped.any():
            return ban
        before, fine = self._automaton.said(state), []
        for token in ban.ids.tolist() + ban.soft.tolist():
            if self._excuses_gaps(before, self._text(state, token, pending), gaps, at):
                fine.append(token)
        return ban.without(np.array(fine, np.int64))

    def _text(self, state: int, token: int, pending: bytes) -> bytes:
        """Return what a token says, behind the bytes of an unfinished character."""
        v = self._vocabulary
        if not pending or token not in v.continuing:
            return v.folded[token]
        return StreamFolder(self._automaton.last(state), pending).feed(v.raw[token])

    def _excuses_gaps(self, before: bytes, text: bytes, gaps: GapAutomaton, at: GapState) -> bool:
        """Return whether an exception ends with each name with one more word in it that `text` completes, and holds all of it."""
        nodes, kinds, count, letters, gap = at[0].copy(), at[1].copy(), *at[2:]
        said, found = np.frombuffer(text, np.uint8), False
        for place in range(len(text)):
            one = said[place : place + 1]
            count, letters, gap = gapkernels.advance(gaps.first_child, gaps.label, nodes, kinds, count, letters, gap, one)
            if gap:
                continue
            ended = text[place + 1 : place + 2] in (b"", b" ", b".")
            names = [int(nodes[k]) for k in range(count) if kinds[k] == gapkernels.PASSED]
            if ended:
                names = [node for node in names if gaps.word_end[node]]
            elif any(gaps.ending[node] for node in names) and kernels.carries_ending(*gaps.ends[2:], said, place + 1):
                return False  # an exception is its own text
            else:
                continue
            if names:
                most = self._words_of_gapped(before + text[: place + 1])
                if any(gaps.words[node] + 1 > most for node in names):
                    return False
                found = True
        return found

    def _words_of_gapped(self, text: bytes) -> int:
        """Return the words of the longest exception with which a text ends and that ends with a name with one more word; or 0."""
        state = self._scan(text).states[-1]
        return max((len(self._paths[index].replace(b".", b" ").split()) for index in self._ended(state)), default=0)

    def ended(self, state: int) -> list[bytes]:
        """Return the folded texts of the exceptions that end in a state with a name with one more word in it."""
        return [self._paths[index].replace(b".", b". ") for index in self._ended(state)]

    def _ended(self, state: int) -> list[int]:
        """Return the exceptions that end in a state with a name with one more word in it."""
        found = [index for index, node, _ in self._open(state, 0) if node == self._exceptions.ends[index]]
        return [index for index in found if self._exceptions.gapped[index]]

    def inside(self, state: int, pending: bytes, ban: Ban) -> Ban:
        """Return the bans in the middle of a character, of the tokens that go on with it.

        Args:
            state: The state before the character.
            pending: The character's bytes so far.
            ban: What would be banned of these tokens if there were no exceptions.
        """
        path, v = self._automaton.said(state), self._vocabulary
        held = v.continuing.tolist() if self.concerns(state) else [*ban.ids.tolist(), *ban.soft.tolist()]
        last = self._automaton.last(state)
        found = [self.penalty(path, StreamFolder(last, pending).feed(v.raw[token])) for token in held]
        return _penalised(np.array(held, np.int64), np.array(found, np.float32))

    def penalty(self, before: bytes, added: bytes) -> float:
        """Return the highest penalty of the phrases that folded text says which is `added` behind `before`; 0 if there are none.

        A phrase counts that `added` completes, or that an exception excused which `added` does not go on with.
        """
        said = self._scan(before)
        after = self._scan(before + added)
        known = {found.place for found in said.occurrences}
        worst = 0.0
        for found in after.occurrences:
            if (found.place not in known or self._covered(said, found)) and not self._covered(after, found):
                worst = max(worst, found.penalty)
        return worst

    def _suspects(self, ban: Ban, rests: set[bytes]) -> list[int]:
        """Return which banned tokens an exception may excuse.

        Args:
            ban: What would be banned if there were no exceptions.
            rests: The letters with which exceptions go on that have been begun.
        """
        found = []
        for token in np.concatenate([ban.ids, ban.soft]).tolist():
            letters = _letters(self._vocabulary.folded[token])
            if any(least in letters for least in self._least) or any(_compatible(rest, letters) for rest in rests):
                found.append(token)
        return found

    def _judged(self, ban: Ban, before: bytes, tokens: Sequence[int]) -> Ban:
        """Return `ban` with the penalties of `tokens` as they are behind the text `before`."""
        if not tokens:
            return ban
        folded, known = self._vocabulary.folded, dict[bytes, float]()
        ids = np.unique(np.array(tokens, np.int64))
        for token in ids.tolist():
            text = folded[token]
            if text not in known:
                known[text] = self.penalty(before, text)
        found = np.array([known[folded[token]] for token in ids.tolist()], np.float32)
        return Ban.merged([ban.without(ids), _penalised(ids, found)])

    def _owed(self, path: bytes) -> float:
        """Return the penalty of the phrases in a text that only an exception excuses which is not said to its end; 0 if none."""
        said = self._scan(path)
        owed = [
            found.penalty
            for found in said.occurrences
            if self._covered(said, found) and not self._covered(said, found, done=True)
        ]
        return max(owed, default=0.0)

    def _covered(self, text: Scan, found: Occurrence, *, done: bool = False) -> bool:
        """Return whether an exception covers an occurrence: one that is complete or, unless `done`, has been begun at the end."""
        for position in range(found.end, len(text.states)):
            last = position + 1 == len(text.states) and not done
            for index, node, begin in self._open(text.states[position], position):
                whole = node == self._exceptions.ends[index] and text.ended[position]
                inside = (found.node, found.closed, found.end - begin)
                if begin <= found.begin and (last or whole) and inside in self._exceptions.excused[index]:
                    return True
        return False

    def _open(self, state: int, position: int) -> Iterator[tuple[int, int, int]]:
        """Yield the exceptions that have been begun in a state, each with the node that has been reached and where it began.

        `position`: that of the state, in bytes of a pattern.
        """
        a = self._automaton
        nodes = len(a)
        for node in a.chain(state % nodes)[:-1]:
            for index in self._begun.get(node, ()):
                if state < nodes:
                    yield index, node, position - int(a.level[node])
                elif self._paths[index][a.level[node] : a.level[node] + 1] in (b" ", b"."):
                    # Behind a dot, which may be a space of the exception or the end of a sentence in it.
                    yield index, node, position - 1 - int(a.level[node])

    def _rests(self, state: int) -> set[bytes]:
        """Return the letters with which exceptions go on that have been begun."""
        level = self._automaton.level
        return {_letters(self._paths[index][level[node] :]) for index, node, _ in self._open(state, 0)}

    def _following(self, rests: set[bytes]) -> list[int]:
        """Return the tokens that may go on with an exception whose letters are one of `rests`, and those without letters."""
        v, first = self._vocabulary, self._first
        wanted = [0, *{rest[0] for rest in rests if rest}]
        found = []
        for token in np.flatnonzero(np.isin(first, wanted)).tolist():
            letters = _letters(v.folded[token])
            # A token without any bytes is a special one, such as the end of the answer.
            if v.raw[token] and (not letters or any(_compatible(rest, letters) for rest in rests)):
                found.append(token)
        return found

    @cached_property
    def carried(self) -> NDArray[np.int64]:
        """The tokens that may carry on a word as an ending."""
        a, v = self._automaton, self._vocabulary
        tokens = v.order[v.lettered :].tolist() if len(a.ending) else []
        ends = (a.e_child, a.e_label, a.e_stop)
        found = [t for t in tokens if kernels.carries_ending(*ends, np.frombuffer(v.folded[t], np.uint8), 0)]
        return np.array(found, np.int64)

    @cached_property
    def _first(self) -> NDArray[np.uint8]:
        """The first letter's first byte of each token, uint8 [tokens]; 0 for tokens without letters."""
        letters = self._vocabulary.folded.without(trie.SPACE).without(trie.DOT)
        found = np.zeros(len(letters), np.uint8)
        held = np.flatnonzero(letters.lengths)
        found[held] = letters.data[letters.start[held]]
        return found


def _penalised(tokens: NDArray[np.int64], penalties: NDArray[np.float32] | float) -> Ban:
    penalties = np.broadcast_to(np.asarray(penalties, np.float32), tokens.shape)
    return Ban.of(tokens[penalties > 0], penalties[penalties > 0])


def _compatible(rest: bytes, letters: bytes) -> bool:
    return rest.startswith(letters) or letters.startswith(rest)


def _letters(text: bytes) -> bytes:
    return text.translate(None, _GAPS)
