"""The compiled loops that find names with one more word in between: "Harry James Potter" for "Harry Potter".

The trie has the names' words behind a space, like the exact automaton's, but no failure links: a name begins at the beginning of
a word, so the ways to read a text are few. Each is a thread: a node, and how far its additional word is.

- PLAIN: there has been none.
- FRESH: it may begin here; PASSING: it is being said. The node is that behind the words before it.
- PASSED: it has been said, so the end of a name counts.

The state after a text is: threads (`nodes` int32, `kinds` uint8, of which the first `count` hold), `letters`, those of the last
word (at most 4), and `gap`: 0 behind a letter, 1 behind a space, 2 behind a dot.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching.kernels import carries_ending
from guard.matching.trie import BRIEF, DOT, SPACE, child

PLAIN, FRESH, PASSING, PASSED = range(4)
THREADS = 16
"""A name of k words has at most 2 k threads; those beyond this many are dropped, longest names first."""


@njit(cache=True, nogil=True)
def _added(nodes, kinds, count, node, kind):
    for k in range(count):
        if nodes[k] == node and kinds[k] == kind:
            return count
    if count < THREADS:
        nodes[count], kinds[count] = node, kind
        count += 1
    return count


@njit(cache=True, nogil=True)
def _begin_word(first_child, label, nodes, kinds, count):
    """Let a name, and an additional word, begin here. Return the number of threads."""
    for k in range(count):
        if kinds[k] == PLAIN:
            count = _added(nodes, kinds, count, nodes[k], FRESH)
    start = child(first_child, label, 0, SPACE)
    return _added(nodes, kinds, count, start, PLAIN) if start >= 0 else count


@njit(cache=True, nogil=True)
def begin(first_child, label, nodes, kinds):
    """Set the state at the beginning of a text, and return the number of threads."""
    return _begin_word(first_child, label, nodes, kinds, 0)


@njit(cache=True, nogil=True)
def advance(first_child, label, nodes, kinds, count, letters, gap, text):
    """Read folded `text`, uint8 [bytes]; the threads are changed in place. Return count, letters and gap."""
    for byte in text:
        if byte in (SPACE, DOT):
            if gap == 0:
                kept = 0
                for k in range(count):
                    node, kind = nodes[k], kinds[k]
                    if kind == PASSING:
                        kind = PASSED
                    else:
                        node = child(first_child, label, node, SPACE)
                    if node >= 0:
                        nodes[kept], kinds[kept] = node, kind
                        kept += 1
                count = _begin_word(first_child, label, nodes, kinds, kept)
                gap = 1 if byte == SPACE else 2
            elif gap == 2 and byte == SPACE:
                if letters > BRIEF:  # the sentence ends
                    count = begin(first_child, label, nodes, kinds)
                gap = 1
            continue
        if gap:
            letters, gap = 0, 0
        if (byte & 0xC0) != 0x80 and letters <= BRIEF:
            letters += 1
        kept = 0
        for k in range(count):
            node, kind = nodes[k], kinds[k]
            if kind in (FRESH, PASSING):
                kind = PASSING
            else:
                node = child(first_child, label, node, byte)
            if node >= 0:
                nodes[kept], kinds[kept] = node, kind
                kept += 1
        count = kept
    return count, letters, gap


@njit(cache=True, nogil=True)
def completes(first_child, label, word_end, ending, e_child, e_label, e_stop, nodes, kinds, count, letters, gap, text):
    """Return the highest penalty of the names that folded `text`, uint8 [bytes], completes from this state; 0 if none."""
    nodes, kinds = nodes.copy(), kinds.copy()
    worst = np.float32(0)
    for i in range(len(text)):
        count, letters, gap = advance(first_child, label, nodes, kinds, count, letters, gap, text[i : i + 1])
        if gap:
            continue
        at_end = i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT
        for k in range(count):
            if kinds[k] == PASSED:
                if at_end:
                    worst = max(worst, word_end[nodes[k]])
                elif ending[nodes[k]] > worst and carries_ending(e_child, e_label, e_stop, text, i + 1):
                    worst = ending[nodes[k]]
    return worst


@njit(cache=True, nogil=True)
def hits(
    first_child, label, word_end, ending, e_child, e_label, e_stop, nodes, kinds, count, letters, gap, text, start, inner, always
):
    """Return the highest penalty of the names that each token completes from this state: float32 [tokens], 0 if none.

    Args:
        text: uint8 [bytes]; the folded tokens one after the other, none empty.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        inner: int64 [tokens]; the runs of spaces and dots between letters in each.
        always: float32 [tokens]; what each completes in a state without threads.

    Returns:
        The penalties, or `always` itself if no token goes on with anything that has been begun.
    """
    found, copied = always, False
    for t in range(len(always)):
        if _goes_on(first_child, label, nodes, kinds, count, gap, text[start[t]], inner[t]):
            if not copied:
                found, copied = always.copy(), True
            found[t] = completes(
                *(first_child, label, word_end, ending, e_child, e_label, e_stop),
                *(nodes, kinds, count, letters, gap, text[start[t] : start[t + 1]]),
            )
    return found


@njit(cache=True, nogil=True)
def _goes_on(first_child, label, nodes, kinds, count, gap, byte, inner):
    """Return whether a token with this first `byte` may complete a name that a thread has begun. Few do, which saves the time."""
    leads = byte in (SPACE, DOT)
    # Behind a space, a leading space adds nothing.
    words = inner + (leads and gap == 0)
    for k in range(count):
        kind = kinds[k]
        # Without an additional word so far, it and the name's last word must follow; with one that is begun, the last word.
        if words < (2 if kind == PLAIN else 0 if kind == PASSED else 1):
            continue
        if kind in (FRESH, PASSING) or (leads and gap):
            return True
        if child(first_child, label, nodes[k], SPACE if leads else byte) >= 0:
            return True
    return False
