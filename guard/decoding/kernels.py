"""What is done for a whole batch in one compiled pass: reading a token with each sequence, finding each one's likeliest token."""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching.compactkernels import advance
from guard.matching.kernels import grown, walk

_BLOCK = 256
# What a look at a logit somewhere costs, in logits read one after the other: about 25 in cache, measured, and more out of it.
_DEAR = 32


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

    The automata's arrays are those of `guard.matching.kernels` and `guard.matching.compactkernels`; `silent` bool [nodes]:
    nodes that are known to continue nothing. `text` uint8 and `start` int64 [vocabulary + 1]: the folded tokens. `tokens`
    int64 [places], -1 for none; `places` int64 [entries]: each entry's. The entries' states `nodes`, `c_nodes` int32, `begun`
    uint64, `spaced` bool [entries] are changed in place. An empty compact automaton has one node."""
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
def likeliest(logits, banned, asked, undecided):
    """Return int64 [rows]: the first token with the row's highest logit; -1 where it is not asked for, or not banned, or -inf.

    `logits` float32 [rows, tokens] without NaN; `banned` int64 [2, n]: rows and ids; `asked`, `undecided` bool [rows]: where it
    is asked for, and where of these even if it is not banned. With few banned ids, the highest of theirs is compared with the
    row until one lies higher, which is soon. With many, theirs are not looked at, and what is not banned is told as well.
    """
    rows, width = logits.shape
    best = np.full(rows, -1, np.int64)
    dear = banned.shape[1] * _DEAR > width * asked.sum()
    for row in range(rows):
        if asked[row] and (dear or undecided[row]):
            best[row] = _first_highest(logits[row])
    if dear:
        return best
    top = np.full(rows, -np.inf, np.float32)
    for k in range(banned.shape[1]):
        row, token = banned[0, k], banned[1, k]
        if asked[row] and not undecided[row]:
            value = logits[row, token]
            if value > top[row] or (value == top[row] and token < best[row]):
                top[row], best[row] = value, token
    for row in range(rows):
        if best[row] >= 0 and not undecided[row]:
            # In front of it nothing may be as high.
            less = np.nextafter(top[row], np.float32(-np.inf))
            if not (_none_above(logits[row, best[row] :], top[row]) and _none_above(logits[row, : best[row]], less)):
                best[row] = -1
    return best


@njit(cache=True, nogil=True)
def _first_highest(values):
    highest, top = -1, np.float32(-np.inf)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        if _any_above(block, top):
            for place in range(len(block)):
                if block[place] > top:
                    highest, top = start + place, block[place]
    return highest


@njit(cache=True, nogil=True)
def _none_above(values, top):
    start = 0
    while start < len(values) and not _any_above(values[start : start + _BLOCK], top):
        start += _BLOCK
    return start >= len(values)


@njit(cache=True, nogil=True)
def _any_above(block, top):
    count = 0
    # Over the whole block, by index: such a loop is compiled to vector instructions.
    for place in range(len(block)):
        count += block[place] > top
    return count > 0


@njit(cache=True, nogil=True)
def _put(found, count, place, node, automaton):
    if count == len(found):
        found = grown(found)
    found[count, 0], found[count, 1], found[count, 2] = place, node, automaton
    return found, count + 1
