"""The loops of the core, compiled by numba: everything here works on flat arrays and knows no Python object.

The automaton's arrays, in every function:

- `first_child` int32 [nodes + 1]: the children of node n are first_child[n] .. first_child[n + 1] - 1 (nodes are numbered
  breadth first, siblings in a row, in ascending order of their byte);
- `label` uint8 [nodes]: the byte on the edge that leads to the node; the root, node 0, has 0;
- `fail` int32 [nodes]: the node of the longest proper suffix that is a node too (Aho and Corasick 1975);
- `open_end`, `word_end` float32 [nodes]: the highest penalty of a phrase that ends here, whatever follows / if the word ends
  here; 0 where there is none. Phrases that are suffixes of the path are included.
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
    """Number the nodes of the trie of sorted, distinct patterns.

    `text` uint8: the patterns one after the other; `start` int64 [patterns + 1]. Returns first_child, label, parent int32
    [nodes] and the node at which each pattern ends, int32 [patterns].
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
    """Return the child of `node` over `byte`, or -1."""
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
    """Return `fail`, and raise the penalties in place by those of the phrases that are suffixes."""
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
    """Return the state after one byte of folded text. A space after a space changes nothing: folded text has no runs of
    spaces."""
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
    """Return the state after the bytes `text` uint8."""
    for byte in text:
        node = step(first_child, label, fail, node, byte)
    return node


@njit(cache=True, nogil=True)
def completes(first_child, label, fail, open_end, word_end, node, text):
    """Return the highest penalty of a phrase that the bytes `text` complete from state `node`; 0 if there is none."""
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
    """Return the occurrences in `text`: pattern index and end offset, int64 [n, 2].

    `pattern_at` int32 [nodes]: the pattern that ends at a node, or -1; `word_only` bool [nodes]: it must be followed by a
    word's end.
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
    """Return for each token the highest penalty of a phrase that lies in it as a whole, float32 [tokens].

    No phrase has fewer than `shortest` bytes, so shorter tokens are passed over.
    """
    hits = np.zeros(len(start) - 1, np.float32)
    for t in range(len(hits)):
        if start[t + 1] - start[t] >= shortest:
            hits[t] = completes(first_child, label, fail, open_end, word_end, 0, text[start[t] : start[t + 1]])
    return hits


@njit(cache=True, nogil=True)
def lower_bound(text, start, low, high, depth, byte):
    """Return the first of the sorted tokens low .. high - 1 whose byte at `depth` is not below `byte`; no byte counts as -1."""
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
    """Return the tokens that complete a phrase whose beginning is the path to `node`, without following failure links.

    The tokens are sorted: `text` uint8, `start` int64 [tokens + 1]; those from `low` to `high` - 1 are looked at, and their
    bytes from `depth` on. Since they are sorted, those that complete one phrase are a range. Returns ranges int64 [n, 2] and
    penalties float32 [n].
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
                    # A word may end with the token or before a space: no byte sorts before a space, a space before all others.
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
