"""One token for every sequence of a batch that is under the same restriction, in one compiled pass."""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.compactkernels import advance
from guard.kernels import walk


@njit(cache=True, nogil=True)
def step_all(
    first_child,
    label,
    fail,
    silent,
    c_first_child,
    c_label,
    c_fail,
    c_level,
    c_silent,
    text,
    start,
    tokens,
    places,
    nodes,
    c_nodes,
    begun,
    spaced,
):
    """Read one token in each entry; return what is to be looked up, int64 [n, 3]: place, node, automaton (0 exact, 1 compact).

    The automata's arrays are those of `guard.kernels` and `guard.compactkernels`; `silent` bool [nodes]: nodes that are known to
    continue nothing. `text` uint8 and `start` int64 [vocabulary + 1]: the folded tokens. `tokens` int64 [places], -1 for none;
    `places` int64 [entries]: each entry's. The entries' states `nodes`, `c_nodes` int32, `begun` uint64, `spaced` bool [entries]
    are changed in place. An empty compact automaton has one node.
    """
    found = np.empty((2 * len(places) + 8, 3), np.int64)
    count = 0
    for r in range(len(places)):
        place = places[r]
        token = tokens[place]
        if token < 0:
            continue
        folded = text[start[token] : start[token + 1]]
        nodes[r] = walk(first_child, label, fail, nodes[r], folded)
        node = nodes[r]
        while node:
            if not silent[node]:
                found, count = _put(found, count, place, node, 0)
            node = fail[node]
        if len(c_label) > 1:
            c_nodes[r], begun[r], spaced[r] = advance(c_first_child, c_label, c_fail, c_nodes[r], begun[r], spaced[r], folded)
            node = c_nodes[r]
            while node:
                if not c_silent[node] and (begun[r] >> np.uint64(c_level[node] - 1)) & np.uint64(1):
                    found, count = _put(found, count, place, node, 1)
                node = c_fail[node]
            if spaced[r] and not c_silent[0]:
                found, count = _put(found, count, place, 0, 1)
    return found[:count]


@njit(cache=True, nogil=True)
def keep_whole(tokens, whole, unfinished):
    """Set to -1 what is not the id of a whole token, or comes in the middle of a character.

    `tokens` int64, `unfinished` bool [places]; `whole` uint8 [vocabulary].
    """
    for place in range(len(tokens)):
        token = tokens[place]
        if token < 0 or token >= len(whole) or not whole[token] or unfinished[place]:
            tokens[place] = -1


@njit(cache=True, nogil=True)
def _put(found, count, place, node, automaton):
    if count == len(found):
        more = np.empty((2 * count, 3), np.int64)
        more[:count] = found
        found = more
    found[count, 0], found[count, 1], found[count, 2] = place, node, automaton
    return found, count + 1
