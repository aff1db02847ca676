"""The core's loops, compiled by numba. They work on flat arrays only.

Every function takes the automaton's arrays in the same form:

- `first_child` int32 [nodes + 1]: the children of node n are first_child[n] .. first_child[n + 1] - 1. Nodes are numbered
  breadth first, and siblings in ascending order of their byte.
- `label` uint8 [nodes]: the byte on the edge that leads to the node. The root, node 0, has 0.
- `fail` int32 [nodes]: the node of the longest proper suffix that is a node too (Aho and Corasick 1975).
- `letters` uint8 [nodes]: the letters of the path's last word; see `guard.matching.trie.last_words`.
- `open_end`, `word_end`, `ending` float32 [nodes]: the highest penalty of the phrases that end at the node and apply whatever
  follows, apply only if a word ends there, or apply if an ending and then the end of a word follow; 0 if there are none. Phrases
  that are suffixes of the node's path are included. `ending` has no entries if no phrase may carry an ending.
- `e_child`, `e_label`, `e_stop` int32 [endings + 1], uint8, bool [endings]: the trie of the endings, and where one is complete.
- `own` uint8 [nodes]: bit p says whether a phrase ends at the node itself, of which the path is part p
  (`guard.matching.patterns`). Its penalty is that of the node, unless a suffix has a higher one:
- `lower_at` int64 [n], ascending, and `lower` float32 [n]: 6 times the node plus the part, and the penalty.

A state is the number of a node, or the number of nodes plus that of a node. The latter is behind a dot: it is not known yet
whether a space follows, with which a sentence ends.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching.trie import DOT, SPACE, child, follow, grown, sentence_end


@njit(cache=True, nogil=True)
def step(first_child, label, fail, letters, node, byte):
    """Return the state after one byte of folded text.

    A space or dot after a space changes nothing, and neither does a dot after a dot, because folded text has no such runs.
    """
    nodes = len(label)
    if node >= nodes:
        if byte == DOT:
            return node
        if byte == SPACE:
            return sentence_end(first_child, label, fail, letters, node - nodes)
        node = follow(first_child, label, fail, node - nodes, SPACE)
    elif byte in (SPACE, DOT):
        if label[node] == SPACE or label[node] == DOT:
            return node
        if byte == DOT:
            over = follow(first_child, label, fail, node, SPACE)
            return over if over == sentence_end(first_child, label, fail, letters, node) else nodes + node
    return follow(first_child, label, fail, node, byte)


@njit(cache=True, nogil=True)
def walk(first_child, label, fail, letters, node, text):
    """Return the state after the bytes `text`, uint8 [bytes]."""
    for byte in text:
        node = step(first_child, label, fail, letters, node, byte)
    return node


@njit(cache=True, nogil=True)
def carries_ending(e_child, e_label, e_stop, text, at):
    """Return whether an ending and the end of a word, or the beginning of an ending, follow in `text`, uint8 [bytes], at `at`."""
    node = 0
    while at < len(text) and text[at] != SPACE and text[at] != DOT:
        node = child(e_child, e_label, node, text[at])
        if node < 0:
            return False
        at += 1
    return at == len(text) or e_stop[node]


@njit(cache=True, nogil=True)
def completes(first_child, label, fail, letters, open_end, word_end, ending, e_child, e_label, e_stop, node, text):
    """Return the highest penalty of the phrases that `text`, uint8 [bytes], completes from state `node`; 0 if none."""
    worst = np.float32(0)
    for i in range(len(text)):
        node = step(first_child, label, fail, letters, node, text[i])
        if text[i] == SPACE or text[i] == DOT:
            continue
        worst = max(worst, open_end[node])
        if i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT:
            worst = max(worst, word_end[node])
        elif len(ending) and ending[node] > worst and carries_ending(e_child, e_label, e_stop, text, i + 1):
            worst = ending[node]
    return worst


@njit(cache=True, nogil=True)
def left(paths, ends, own, lower_at, lower, nodes, remaining, state, text):
    """Return the highest penalty of the phrases that `text` completes from `state` if some nodes end less; 0 if none.

    Args:
        paths, ends, own, lower_at, lower: The automaton's arrays.
        nodes: int32 [n]; the nodes that end less than the automaton says.
        remaining: float32 [n, 3]; the penalties that each of these nodes itself has left.
        state: The state.
        text: uint8 [bytes].
    """
    first_child, label, fail, letters = paths
    open_end, word_end, ending, e_child, e_label, e_stop = ends
    worst = np.float32(0)
    for i in range(len(text)):
        state = step(first_child, label, fail, letters, state, text[i])
        if text[i] == SPACE or text[i] == DOT:
            continue
        if i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT:
            kind = 1
        else:
            kind = 2 if len(ending) and ending[state] > worst and carries_ending(e_child, e_label, e_stop, text, i + 1) else 0
        node = state
        while node:
            known = -1
            for k in range(len(nodes)):
                if nodes[k] == node:
                    known = k
            if known >= 0:
                worst = max(worst, remaining[known, 0], remaining[known, kind])
            elif own[node]:
                worst = max(worst, _own_penalty(own, lower_at, lower, open_end, node, 0))
                if kind == 1:
                    worst = max(worst, _own_penalty(own, lower_at, lower, word_end, node, 1))
                elif kind == 2:
                    worst = max(worst, _own_penalty(own, lower_at, lower, ending, node, 2))
            node = fail[node]
    return worst


@njit(cache=True, nogil=True)
def _own_penalty(own, lower_at, lower, penalties, node, kind):
    """Return the penalty of one kind that a node itself has; `penalties` are those of the kind with suffixes."""
    worst = np.float32(0)
    for part in range(6):
        # Parts 3 to 5 are of the kinds 0, 1 and 0: see `guard.matching.patterns.KIND_OF`.
        if own[node] >> part & 1 and (part == kind or (part == kind + 3 and kind < 2) or (part == 5 and kind == 0)):
            penalty = penalties[node]
            if len(lower_at):
                at = np.searchsorted(lower_at, node * 6 + part)
                if at < len(lower_at) and lower_at[at] == node * 6 + part:
                    penalty = lower[at]
            worst = max(worst, penalty)
    return worst


@njit(cache=True, nogil=True)
def all_left(paths, ends, own, lower_at, lower, nodes, remaining, state, text, start):
    """Return what `left` returns for each of several tokens, float32 [tokens].

    Args:
        text: uint8 [bytes]; the folded tokens one after the other.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        Others: See `left`.
    """
    found = np.zeros(len(start) - 1, np.float32)
    for t in range(len(found)):
        found[t] = left(paths, ends, own, lower_at, lower, nodes, remaining, state, text[start[t] : start[t + 1]])
    return found


@njit(cache=True, nogil=True)
def find(first_child, label, fail, letters, pattern_at, word_only, node, text):
    """Find the occurrences of patterns in `text`, uint8 [bytes], read from state `node`.

    Args:
        pattern_at: int32 [nodes]; the pattern that ends at each node, or -1.
        word_only: bool [nodes]; whether a word must end with that pattern.

    Returns:
        int64 [n, 2]: pattern, and the offset in `text` at which it ends.
    """
    found = np.empty((16, 2), np.int64)
    count = 0
    for i in range(len(text)):
        node = step(first_child, label, fail, letters, node, text[i])
        if text[i] == SPACE or text[i] == DOT:
            continue
        at_end = i + 1 == len(text) or text[i + 1] == SPACE or text[i + 1] == DOT
        suffix = node
        while suffix:
            if pattern_at[suffix] >= 0 and (at_end or not word_only[suffix]):
                if count == len(found):
                    found = grown(found)
                found[count, 0] = pattern_at[suffix]
                found[count, 1] = i + 1
                count += 1
            suffix = fail[suffix]
    return found[:count]


@njit(cache=True, nogil=True)
def hits(first_child, label, fail, letters, open_end, word_end, ending, e_child, e_label, e_stop, node, text, start, shortest):
    """Return the highest penalty of the phrases that each token completes from state `node`: float32 [tokens], 0 if none.

    Args:
        text: uint8 [bytes]; the folded tokens one after the other.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        shortest: Tokens with fewer bytes are skipped.
    """
    found = np.zeros(len(start) - 1, np.float32)
    for t in range(len(found)):
        if start[t + 1] - start[t] >= shortest:
            token = text[start[t] : start[t + 1]]
            found[t] = completes(
                first_child, label, fail, letters, open_end, word_end, ending, e_child, e_label, e_stop, node, token
            )
    return found


@njit(cache=True, nogil=True)
def lower_bound(text, start, low, high, depth, byte):
    """Return the first of the sorted tokens low .. high - 1 whose byte at `depth` is at least `byte`. No byte counts as -1."""
    while low < high:
        middle = (low + high) >> 1
        at = start[middle] + depth
        if at >= start[middle + 1] or text[at] < byte:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _noted(ranges, penalties, count, low, high, penalty):
    if count == len(ranges):
        ranges, penalties = grown(ranges), grown(penalties)
    ranges[count, 0], ranges[count, 1] = low, high
    penalties[count] = penalty
    return ranges, penalties, count + (high > low)


@njit(cache=True, nogil=True)
def _pushed(stack, top, node, low, high, depth):
    if top == len(stack):
        stack = grown(stack)
    stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = node, low, high, depth
    return stack, top + 1


@njit(cache=True, nogil=True)
def continuations(first_child, label, open_end, word_end, ending, e_child, e_label, e_stop, node, text, start, low, high, depth):
    """Find the tokens that complete a phrase which begins with the path to `node`, without following failure links.

    The tokens are sorted, so those that complete one phrase are a range. Tokens in which a sentence ends before a letter are not
    looked at behind that end.

    Args:
        text: uint8 [bytes]; the folded tokens in ascending order.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        low, high: The tokens to look at: low .. high - 1.
        depth: The first byte of each token to look at.

    Returns:
        Ranges of tokens, int64 [n, 2], and the penalty of each range, float32 [n].
    """
    ranges = np.empty((16, 2), np.int64)
    penalties = np.empty(16, np.float32)
    count = 0
    stack = np.empty((64, 4), np.int64)
    stack, top = _pushed(stack, 0, node, low, high, depth)
    # The same for an ending: a node of the endings' trie, the tokens, the depth.
    inside = np.empty((16, 4), np.int64)
    while top:
        top -= 1
        node, low, high, depth = stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3]
        for c in range(first_child[node], first_child[node + 1]):
            low = lower_bound(text, start, low, high, depth, label[c])
            if low == high:
                break
            end = lower_bound(text, start, low, high, depth, label[c] + 1)
            more = first_child[c] < first_child[c + 1]
            if label[c] == SPACE:
                # A dot without a space behind it is no more than a space. Tokens with one are the next in order.
                dotted = lower_bound(text, start, end, high, depth, DOT)
                last = lower_bound(text, start, dotted, high, depth, DOT + 1)
                if more and last > dotted:
                    stack, top = _pushed(stack, top, c, dotted, last, depth + 1)
                if more and end > low:
                    stack, top = _pushed(stack, top, c, low, end, depth + 1)
                low = last
                continue
            if low == end or label[c] == DOT:
                continue
            if open_end[c] > 0:
                ranges, penalties, count = _noted(ranges, penalties, count, low, end, open_end[c])
            if word_end[c] > 0:
                # A word ends with the token or before a space or dot. "No byte" sorts before these, and these before all others.
                last = lower_bound(text, start, low, end, depth + 1, DOT + 1)
                ranges, penalties, count = _noted(ranges, penalties, count, low, last, word_end[c])
            if len(ending) and ending[c] > 0:
                inside, found = _pushed(inside, 0, 0, low, end, depth + 1)
                while found:
                    found -= 1
                    e, first, behind, at = inside[found, 0], inside[found, 1], inside[found, 2], inside[found, 3]
                    # The token may end anywhere in an ending, because the next one may go on with it.
                    last = lower_bound(text, start, first, behind, at, DOT + 1 if e_stop[e] or e == 0 else 0)
                    ranges, penalties, count = _noted(ranges, penalties, count, first, last, ending[c])
                    for k in range(e_child[e], e_child[e + 1]):
                        begin = lower_bound(text, start, first, behind, at, e_label[k])
                        stop = lower_bound(text, start, begin, behind, at, e_label[k] + 1)
                        if stop > begin:
                            inside, found = _pushed(inside, found, k, begin, stop, at + 1)
            if more:
                stack, top = _pushed(stack, top, c, low, end, depth + 1)
            low = end
    return ranges[:count], penalties[:count]
