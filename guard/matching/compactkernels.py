"""The compiled loops of compact matching, which reads letters only; see `guard.matching.compact`.

The automaton's arrays are those of `guard.matching.kernels`, except that `word_end` is each node's own penalty: those of suffixes
are not included, because a suffix counts only if its own first letter begins a word.

The state after a text has three parts: a node; `begun` uint64, whose bit k says whether the letter byte k + 1 bytes back began a
word; and `spaced`, uint8: 0 behind a letter, 1 where the next letter begins a word, 2 the same behind a dot. No pattern has more
than 64 bytes.

A dot and a space behind a word of more than three bytes end a sentence, and no phrase is matched across it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching.kernels import lower_bound
from guard.matching.trie import DOT, SPACE, child, grown

_BRIEF = np.uint64(0b111)


@njit(cache=True, nogil=True)
def may_end_sentence(begun, spaced):
    """Return whether a space would end a sentence in this state."""
    return spaced == 2 and begun & _BRIEF == 0


@njit(cache=True, nogil=True)
def advance(first_child, label, fail, node, begun, spaced, text):
    """Return node, begun and spaced after reading folded `text`, uint8 [bytes]."""
    for byte in text:
        if byte == SPACE:
            if may_end_sentence(begun, spaced):
                node, begun = 0, np.uint64(0)
            spaced = 1
            continue
        if byte == DOT:
            if spaced == 0:
                spaced = 2
            continue
        begun = (begun << np.uint64(1)) | np.uint64(spaced > 0)
        spaced = 0
        while True:
            target = child(first_child, label, node, byte)
            if target >= 0:
                node = target
                break
            if node == 0:
                break
            node = fail[node]
    return node, begun, spaced


@njit(cache=True, nogil=True)
def open_paths(fail, level, node, begun, spaced):
    """Return the nodes from which a phrase may continue, int32 [n].

    These are the nodes of the failure chain whose first letter began a word, and the root if the next letter begins one.
    """
    count = 1
    n = node
    while n:
        count += 1
        n = fail[n]
    paths = np.empty(count, np.int32)
    count = 0
    while node:
        if (begun >> np.uint64(level[node] - 1)) & np.uint64(1):
            paths[count] = node
            count += 1
        node = fail[node]
    if spaced:
        paths[count] = 0
        count += 1
    return paths[:count]


@njit(cache=True, nogil=True)
def completes(first_child, label, fail, level, word_end, node, begun, spaced, text):
    """Return the highest penalty of the phrases that folded `text`, uint8 [bytes], completes from this state; 0 if none."""
    worst = np.float32(0)
    for i in range(len(text)):
        node, begun, spaced = advance(first_child, label, fail, node, begun, spaced, text[i : i + 1])
        if text[i] != SPACE and text[i] != DOT and (i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT):
            for path in open_paths(fail, level, node, begun, 0):
                worst = max(worst, word_end[path])
    return worst


@njit(cache=True, nogil=True)
def left(first_child, label, fail, level, word_end, nodes, remaining, node, begun, spaced, text):
    """Return what `completes` returns if the `nodes`, int32 [n], have no more than the penalties `remaining`, float32 [n]."""
    worst = np.float32(0)
    for i in range(len(text)):
        node, begun, spaced = advance(first_child, label, fail, node, begun, spaced, text[i : i + 1])
        if text[i] != SPACE and text[i] != DOT and (i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT):
            for path in open_paths(fail, level, node, begun, 0):
                penalty = word_end[path]
                for k in range(len(nodes)):
                    if nodes[k] == path:
                        penalty = remaining[k]
                worst = max(worst, penalty)
    return worst


@njit(cache=True, nogil=True)
def all_left(first_child, label, fail, level, word_end, nodes, remaining, node, begun, spaced, text, start):
    """Return what `left` returns for each of several tokens, float32 [tokens].

    Args:
        text: uint8 [bytes]; the folded tokens one after the other.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        Others: See `left`.
    """
    found = np.zeros(len(start) - 1, np.float32)
    for t in range(len(found)):
        piece = text[start[t] : start[t + 1]]
        found[t] = left(first_child, label, fail, level, word_end, nodes, remaining, node, begun, spaced, piece)
    return found


@njit(cache=True, nogil=True)
def goes_on(first_child, label, fail, level, node, begun, byte):
    """Return whether an open path, or a phrase that begins now, goes on with the letter's first `byte`."""
    while node:
        if (begun >> np.uint64(level[node] - 1)) & np.uint64(1) and child(first_child, label, node, byte) >= 0:
            return True
        node = fail[node]
    return child(first_child, label, 0, byte) >= 0


@njit(cache=True, nogil=True)
def within(first_child, label, word_end, text, start, shortest):
    """Return the highest penalty of the phrases that each token contains behind one of its spaces: float32 [tokens], 0 if none.

    Args:
        text: uint8 [bytes]; the folded tokens one after the other.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        shortest: The bytes of the shortest phrase's letters. Tokens too short for these and a space are skipped.
    """
    hits = np.zeros(len(start) - 1, np.float32)
    for t in range(len(hits)):
        if start[t + 1] - start[t] <= shortest:
            continue
        for i in range(start[t], start[t + 1]):
            if text[i] != SPACE and text[i] != DOT:
                continue
            node = length = 0
            for j in range(i + 1, start[t + 1]):
                if text[j] == DOT or text[j] == SPACE:
                    if text[j] == SPACE and text[j - 1] == DOT and length > 3:
                        break
                    length = length if text[j] == DOT else 0
                    continue
                length = 1 if text[j - 1] == DOT else length + 1
                node = child(first_child, label, node, text[j])
                if node < 0:
                    break
                if j + 1 == start[t + 1] or text[j + 1] == SPACE or text[j + 1] == DOT:
                    hits[t] = max(hits[t], word_end[node])
    return hits


@njit(cache=True, nogil=True)
def continuations(first_child, label, word_end, node, text, start, gap):
    """Find the tokens whose letters continue the path to `node` to the end of a phrase, at a word's end.

    Args:
        text: uint8 [bytes]; the letters of each token, in ascending order.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        gap: uint8 [bytes]; whether a space or dot precedes the byte in its token.

    Returns:
        Positions of tokens in this order, int64 [n], which may be repeated, and their penalties, float32 [n].
    """
    found = np.empty(16, np.int64)
    penalties = np.empty(16, np.float32)
    count = 0
    stack = np.empty((64, 4), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = node, 0, len(start) - 1, 0
    top = 1
    while top:
        top -= 1
        node, low, high, depth = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
        for c in range(first_child[node], first_child[node + 1]):
            low = lower_bound(text, start, low, high, depth, label[c])
            if low == high:
                break
            end = lower_bound(text, start, low, high, depth, label[c] + 1)
            if low == end:
                continue
            if word_end[c] > 0:
                for t in range(low, end):
                    behind = start[t] + depth + 1
                    if behind == start[t + 1] or gap[behind]:
                        if count == len(found):
                            found, penalties = grown(found), grown(penalties)
                        found[count] = t
                        penalties[count] = word_end[c]
                        count += 1
            if first_child[c] < first_child[c + 1]:
                if top == len(stack):
                    stack = grown(stack)
                stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = c, low, end, depth + 1
                top += 1
            low = end
    return found[:count], penalties[:count]
