"""The core's loops, compiled by numba. They work on flat arrays only.

Every function takes the automaton's arrays in the same form:

- `first_child` int32 [nodes + 1]: the children of node n are first_child[n] .. first_child[n + 1] - 1. Nodes are numbered
  breadth first, and siblings in ascending order of their byte.
- `label` uint8 [nodes]: the byte on the edge that leads to the node. The root, node 0, has 0.
- `fail` int32 [nodes]: the node of the longest proper suffix that is a node too (Aho and Corasick 1975).
- `open_end`, `word_end` float32 [nodes]: the highest penalty of the phrases that end at the node and apply whatever follows, or
  apply only if a word ends there; 0 if there are none. Phrases that are suffixes of the node's path are included.
"""

from __future__ import annotations

import numpy as np
from numba import njit

SPACE = 32


@njit(cache=True, nogil=True)
def grown(array):
    """Return an array with twice as many rows that begins with those of `array`. The new rows hold arbitrary values."""
    more = np.empty((2 * len(array), *array.shape[1:]), array.dtype)
    more[: len(array)] = array
    return more


@njit(cache=True, nogil=True)
def build_trie(text, start):
    """Build the trie of sorted, distinct patterns.

    Args:
        text: uint8 [bytes]; the patterns one after the other.
        start: int64 [patterns + 1]; where each begins, and where the last one ends.

    Returns:
        first_child, label, parent (int32 [nodes]), and the node at which each pattern ends (int32 [patterns]).
    """
    count = len(start) - 1
    capacity = len(text) + 1
    label = np.zeros(capacity, np.uint8)
    parent = np.zeros(capacity, np.int32)
    children = np.zeros(capacity, np.int32)
    node_of = np.zeros(count, np.int32)
    alive = np.arange(count)
    nodes = 1
    depth = 0
    while len(alive):
        kept = 0
        last_node, last_byte = -1, -1
        for k in range(len(alive)):
            i = alive[k]
            if start[i] + depth >= start[i + 1]:
                continue
            node, byte = node_of[i], text[start[i] + depth]
            if node != last_node or byte != last_byte:
                label[nodes] = byte
                parent[nodes] = node
                children[node] += 1
                nodes += 1
                last_node, last_byte = node, byte
            node_of[i] = nodes - 1
            alive[kept] = i
            kept += 1
        alive = alive[:kept]
        depth += 1
    first_child = np.empty(nodes + 1, np.int32)
    first_child[0] = 1
    for n in range(nodes):
        first_child[n + 1] = first_child[n] + children[n]
    return first_child, label[:nodes].copy(), parent[:nodes].copy(), node_of


@njit(cache=True, nogil=True)
def child(first_child, label, node, byte):
    """Return the child of `node` over `byte`, or -1 if there is none."""
    low, high = first_child[node], first_child[node + 1]
    while high - low > 8:
        middle = (low + high) >> 1
        if label[middle] <= byte:
            low = middle
        else:
            high = middle
    while low < high:
        if label[low] == byte:
            return low
        low += 1
    return -1


@njit(cache=True, nogil=True)
def levels(first_child):
    """Return each node's distance from the root, int32 [nodes]."""
    level = np.zeros(len(first_child) - 1, np.int32)
    for node in range(len(level)):
        for c in range(first_child[node], first_child[node + 1]):
            level[c] = level[node] + 1
    return level


@njit(cache=True, nogil=True)
def link(first_child, label, parent, open_end, word_end):
    """Return `fail`, and raise each node's penalties, in place, to those of the phrases that are suffixes of its path."""
    fail = np.zeros(len(label), np.int32)
    for node in range(1, len(label)):
        if parent[node]:
            suffix = fail[parent[node]]
            while True:
                target = child(first_child, label, suffix, label[node])
                if target >= 0 or suffix == 0:
                    break
                suffix = fail[suffix]
            if target >= 0:
                fail[node] = target
        open_end[node] = max(open_end[node], open_end[fail[node]])
        word_end[node] = max(word_end[node], word_end[fail[node]])
    return fail


@njit(cache=True, nogil=True)
def step(first_child, label, fail, node, byte):
    """Return the state after one byte of folded text.

    A space after a space changes nothing, because folded text has no runs of spaces.
    """
    if byte == SPACE and label[node] == SPACE:
        return node
    while True:
        target = child(first_child, label, node, byte)
        if target >= 0:
            return target
        if node == 0:
            return 0
        node = fail[node]


@njit(cache=True, nogil=True)
def walk(first_child, label, fail, node, text):
    """Return the state after the bytes `text`, uint8 [bytes]."""
    for byte in text:
        node = step(first_child, label, fail, node, byte)
    return node


@njit(cache=True, nogil=True)
def completes(first_child, label, fail, open_end, word_end, node, text):
    """Return the highest penalty of the phrases that `text`, uint8 [bytes], completes from state `node`; 0 if none."""
    worst = np.float32(0)
    for i in range(len(text)):
        before = node
        node = step(first_child, label, fail, node, text[i])
        if node == before and text[i] == SPACE:
            continue
        worst = max(worst, open_end[node])
        if i + 1 == len(text) or text[i + 1] == SPACE:
            worst = max(worst, word_end[node])
    return worst


@njit(cache=True, nogil=True)
def find(first_child, label, fail, pattern_at, word_only, node, text):
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
        node = step(first_child, label, fail, node, text[i])
        at_end = i + 1 == len(text) or text[i + 1] == SPACE
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
def root_hits(first_child, label, fail, open_end, word_end, text, start, shortest):
    """Return the highest penalty of the phrases that each token contains completely: float32 [tokens], 0 if none.

    Args:
        text: uint8 [bytes]; the folded tokens one after the other.
        start: int64 [tokens + 1]; where each begins, and where the last one ends.
        shortest: The bytes of the shortest phrase. Shorter tokens are skipped.
    """
    hits = np.zeros(len(start) - 1, np.float32)
    for t in range(len(hits)):
        if start[t + 1] - start[t] >= shortest:
            hits[t] = completes(first_child, label, fail, open_end, word_end, 0, text[start[t] : start[t + 1]])
    return hits


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
def continuations(first_child, label, open_end, word_end, node, text, start, low, high, depth):
    """Find the tokens that complete a phrase which begins with the path to `node`, without following failure links.

    The tokens are sorted, so those that complete one phrase are a range.

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
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = node, low, high, depth
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
            for kind in range(2):
                penalty = open_end[c] if kind == 0 else word_end[c]
                if penalty > 0:
                    # A word ends with the token or before a space. "No byte" sorts before a space, and a space before all others.
                    last = end if kind == 0 else lower_bound(text, start, low, end, depth + 1, SPACE + 1)
                    if last > low:
                        if count == len(ranges):
                            ranges, penalties = grown(ranges), grown(penalties)
                        ranges[count, 0], ranges[count, 1] = low, last
                        penalties[count] = penalty
                        count += 1
            if first_child[c] < first_child[c + 1]:
                if top == len(stack):
                    stack = grown(stack)
                stack[top, 0], stack[top, 1], stack[top, 2], stack[top, 3] = c, low, end, depth + 1
                top += 1
            low = end
    return ranges[:count], penalties[:count]
