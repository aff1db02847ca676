"""The compiled loops that build a trie and link it; `guard.matching.kernels` describes the arrays."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SPACE, DOT = 32, 46
BRIEF = 3
"""A word of at most this many letters does not end a sentence (`guard.phrase.BRIEF`)."""


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


def parent_of(first_child: NDArray[np.int32], node: int) -> int:
    """Return the node before `node` on its path. The root has none."""
    # As an int32: numpy would convert the whole array to the type of a Python integer.
    return int(np.searchsorted(first_child, np.int32(node), side="right")) - 1


def level_starts(first_child: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the first node of each level, int32 [depth + 1]."""
    starts = [0]
    while (following := int(first_child[starts[-1]])) < len(first_child) - 1:
        starts.append(following)
    found = np.array(starts, np.int32)
    found.setflags(write=False)
    return found


@njit(cache=True, nogil=True)
def last_words(first_child, label):
    """Return the letters of each path's last word, uint8 [nodes]: at most 4. The path may lack the beginning of that word."""
    letters = np.zeros(len(label), np.uint8)
    for node in range(len(label)):
        for c in range(first_child[node], first_child[node + 1]):
            if label[c] == SPACE or label[c] == DOT:
                letters[c] = 0
            elif (label[c] & 0xC0) == 0x80 or letters[node] > BRIEF:
                letters[c] = letters[node]
            else:
                letters[c] = letters[node] + 1
    return letters


@njit(cache=True, nogil=True)
def word_counts(first_child, label):
    """Return the number of spaces on each node's path, uint8 [nodes]; at most 255."""
    words = np.zeros(len(label), np.uint8)
    for node in range(len(label)):
        for c in range(first_child[node], first_child[node + 1]):
            words[c] = min(words[node] + (label[c] == SPACE), 255)
    return words


@njit(cache=True, nogil=True)
def follow(first_child, label, fail, node, byte):
    """Return the state after `byte`, which is the next one of the text as a pattern would have it."""
    while True:
        target = child(first_child, label, node, byte)
        if target >= 0:
            return target
        if node == 0:
            return 0
        node = fail[node]


@njit(cache=True, nogil=True)
def sentence_end(first_child, label, fail, letters, node):
    """Return the state if a dot and a space follow the path to `node`.

    A pattern goes on behind them if a sentence ends there in the pattern, too, or if its last word is too short to end one.
    For a substring, `guard.matching.patterns` lists a pattern in which its first word ends a sentence.
    """
    while True:
        target = child(first_child, label, node, DOT)
        if target >= 0:
            return target
        if letters[node] <= BRIEF:
            target = child(first_child, label, node, SPACE)
            if target >= 0:
                return target
        if node == 0:
            return 0
        node = fail[node]


@njit(cache=True, nogil=True)
def link(first_child, label, parent, letters, ends):
    """Return `fail`, and raise each node's penalties, in place, to those of the phrases that are suffixes of its path.

    Args:
        letters: uint8 [nodes]; see `last_words`.
        ends: float32 [kinds, nodes]; the penalties of the patterns that end at each node.
    """
    fail = np.zeros(len(label), np.int32)
    for node in range(1, len(label)):
        if parent[node]:
            suffix = fail[parent[node]]
            if label[node] == DOT:
                fail[node] = sentence_end(first_child, label, fail, letters, suffix)
            else:
                fail[node] = follow(first_child, label, fail, suffix, label[node])
        for kind in range(len(ends)):
            ends[kind, node] = max(ends[kind, node], ends[kind, fail[node]])
    return fail


@njit(cache=True, nogil=True)
def inherited(begun, fail):
    """Return which nodes are `begun`, bool [nodes], or have a suffix that is."""
    found = begun.copy()
    for node in range(1, len(fail)):
        found[node] |= found[fail[node]]
    return found
