"""Compiled loops over a whole batch: reading one token per sequence, and finding each row's likeliest token."""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching import gapkernels
from guard.matching.compactkernels import advance, goes_on, may_end_sentence
from guard.matching.compactkernels import completes as c_completes
from guard.matching.kernels import walk
from guard.matching.trie import BRIEF, DOT, SPACE, grown

BLOCK = 256
# Reading one logit at a random place takes as long as reading this many in a row: measured 25 in cache, and more outside it.
_DEAR = 32
EXACT, COMPACT, WHOLE, TIGHT, BROKEN = range(5)


@njit(cache=True, nogil=True)
def step_all(
    first_child,
    label,
    fail,
    letters,
    silent,
    relevant,
    c_first_child,
    c_label,
    c_fail,
    c_level,
    c_word_end,
    c_silent,
    broken,
    broken_start,
    text,
    start,
    tokens,
    places,
    nodes,
    c_nodes,
    begun,
    spaced,
):
    """Read one token with each sequence and return the nodes whose continuations are banned now.

    Args:
        first_child, label, fail, letters: The exact automaton; see `guard.matching.kernels`.
        silent: bool [nodes]; the nodes that are known to continue nothing.
        relevant: bool [nodes]; the nodes at which an exception has been begun. Empty if there are no exceptions.
        c_first_child, c_label, c_fail, c_level, c_word_end, c_silent: The same of the compact automaton, with level and end; see
            `guard.matching.compactkernels`. One without patterns has one node.
        broken, broken_start: uint8 [bytes], int64 [n + 1]; the folded tokens in which a sentence ends.
        text, start: uint8 [bytes], int64 [vocabulary + 1]; the folded tokens.
        tokens: int64 [places]; the token of each place, or -1 for none.
        places: int64 [entries]; the place of each sequence.
        nodes, c_nodes, begun, spaced: int32, int32, uint64, uint8 [entries]; each sequence's state, changed in place.

    Returns:
        int64 [n, 3]: place, node, and where. EXACT is a node of the exact automaton; WHOLE a state of it, of whose chain nothing
        else is returned. COMPACT and TIGHT are nodes of the compact one; at the latter what begins with a space is not banned.
        BROKEN is no node, but the number of the entry in whose state a token in which a sentence ends completes a compact phrase.
    """
    found = np.empty((2 * len(places) + 8, 3), np.int64)
    count = 0
    for r in range(len(places)):
        place = places[r]
        token = tokens[place]
        if token < 0:
            continue
        folded = text[start[token] : start[token + 1]]
        nodes[r] = walk(first_child, label, fail, letters, nodes[r], folded)
        node = nodes[r]
        if node >= len(label) or (len(relevant) and relevant[node]):
            found, count = _put(found, count, place, node, WHOLE)
            node = 0
        while node:
            if not silent[node]:
                found, count = _put(found, count, place, node, EXACT)
            node = fail[node]
        if len(c_label) > 1:
            c_nodes[r], begun[r], spaced[r] = advance(c_first_child, c_label, c_fail, c_nodes[r], begun[r], spaced[r], folded)
            node = c_nodes[r]
            kind = TIGHT if may_end_sentence(begun[r], spaced[r]) else COMPACT
            while node:
                if not c_silent[node] and (begun[r] >> np.uint64(c_level[node] - 1)) & np.uint64(1):
                    found, count = _put(found, count, place, node, kind)
                node = c_fail[node]
            if spaced[r] and not c_silent[0]:
                found, count = _put(found, count, place, 0, COMPACT)
            for t in range(len(broken_start) - 1):
                piece = broken[broken_start[t] : broken_start[t + 1]]
                first = 0
                while piece[first] == SPACE or piece[first] == DOT:
                    first += 1
                # Few states go on with the first letter of one of these few tokens.
                if goes_on(c_first_child, c_label, c_fail, c_level, c_nodes[r], begun[r], piece[first]) and c_completes(
                    c_first_child, c_label, c_fail, c_level, c_word_end, c_nodes[r], begun[r], spaced[r], piece
                ):
                    found, count = _put(found, count, place, r, BROKEN)
                    break
    return found[:count]


@njit(cache=True, nogil=True)
def step_gaps(tables, silent, several, inner, always, text, start, tokens, places, nodes, kinds, counts, letters, gaps):
    """Read one token with each sequence in the trie of names with gaps; see `guard.matching.gapkernels`.

    Args:
        tables: first_child, label, word_end, ending, e_child, e_label, e_stop.
        silent: bool [nodes]; the nodes that are known to continue nothing.
        several, inner, always: See `guard.matching.gapkernels.hits`; the first with where its tokens begin.
        text, start, tokens, places: See `step_all`.
        nodes, kinds: int32, uint8 [entries, THREADS]; the threads, changed in place.
        counts, letters, gaps: int64 [entries] each; the rest of the states, changed in place.

    Returns:
        int64 [n, 4]: place, node, kind, and whether a space would end a sentence; and of the tokens of several words that are
        banned int64 [m, 2], place and number, with float32 [m], the penalties.
    """
    found = np.empty((2 * len(places) + 8, 4), np.int64)
    banned = np.empty((8, 2), np.int64)
    penalties = np.empty(8, np.float32)
    count = more = 0
    for r in range(len(places)):
        token = tokens[places[r]]
        if token < 0:
            continue
        counts[r], letters[r], gaps[r] = gapkernels.advance(
            tables[0], tables[1], nodes[r], kinds[r], counts[r], letters[r], gaps[r], text[start[token] : start[token + 1]]
        )
        for k in range(counts[r]):
            kind, node = kinds[r, k], nodes[r, k]
            if kind == gapkernels.PASSING or (kind == gapkernels.PASSED and not silent[node]):
                if count == len(found):
                    found = grown(found)
                found[count, 0], found[count, 1], found[count, 2] = places[r], node, kind
                found[count, 3] = gaps[r] == 2 and letters[r] > BRIEF
                count += 1
        hits = gapkernels.hits(*tables, nodes[r], kinds[r], counts[r], letters[r], gaps[r], several[0], several[1], inner, always)
        for s in range(len(hits)):
            if hits[s] > 0:
                if more == len(banned):
                    banned, penalties = grown(banned), grown(penalties)
                banned[more, 0], banned[more, 1], penalties[more] = places[r], s, hits[s]
                more += 1
    return found[:count], banned[:more], penalties[:more]


@njit(cache=True, nogil=True)
def keep_whole(tokens, whole, unfinished):
    """Set those of `tokens` to -1, in place, that are not whole tokens or come in the middle of a character.

    Args:
        tokens: int64 [places].
        whole: uint8 [vocabulary]; 0 for tokens that begin or end inside a character.
        unfinished: bool [places]; where the text so far ends inside a character.
    """
    for place in range(len(tokens)):
        token = tokens[place]
        if token < 0 or token >= len(whole) or not whole[token] or unfinished[place]:
            tokens[place] = -1


@njit(cache=True, nogil=True)
def likeliest(logits, banned, asked):
    """Return each row's likeliest token if it may be banned.

    With few banned ids, the highest of a row's banned logits is compared with the row's others until a higher one is found, which
    takes few steps as a rule. With many, the likeliest token is returned without a look at whether it is banned.

    Args:
        logits: float32 [rows, tokens], without NaN.
        banned: int64 [2, n]; rows and ids.
        asked: bool [rows]; the rows to look at.

    Returns:
        int64 [rows]: the first token with the row's highest logit. -1 for a row that is not asked for or has nothing but -inf,
        and usually for one whose likeliest token is not banned.
    """
    rows, width = logits.shape
    best = np.full(rows, -1, np.int64)
    dear = banned.shape[1] * _DEAR > width * asked.sum()
    if dear:
        for row in range(rows):
            if asked[row]:
                best[row] = _first_highest(logits[row])
        return best
    top = np.full(rows, -np.inf, np.float32)
    for k in range(banned.shape[1]):
        row, token = banned[0, k], banned[1, k]
        if asked[row]:
            value = logits[row, token]
            if value > top[row] or (value == top[row] and token < best[row]):
                top[row], best[row] = value, token
    for row in range(rows):
        if best[row] >= 0:
            # Among equal logits the first counts: none before it may be as high.
            less = np.nextafter(top[row], np.float32(-np.inf))
            if not (none_above(logits[row, best[row] :], top[row]) and none_above(logits[row, : best[row]], less)):
                best[row] = -1
    return best


@njit(cache=True, nogil=True)
def _first_highest(values):
    highest, top = -1, np.float32(-np.inf)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        if any_above(block, top):
            for place in range(len(block)):
                if block[place] > top:
                    highest, top = start + place, block[place]
    return highest


@njit(cache=True, nogil=True)
def none_above(values, top):
    """Return whether no value is above `top`."""
    start = 0
    while start < len(values) and not any_above(values[start : start + BLOCK], top):
        start += BLOCK
    return start >= len(values)


@njit(cache=True, nogil=True)
def any_above(block, top):
    """Return whether a value of the block is above `top`."""
    count = 0
    # A loop by index over the whole block is compiled to vector instructions.
    for place in range(len(block)):
        count += block[place] > top
    return count > 0


@njit(cache=True, nogil=True)
def _put(found, count, place, node, automaton):
    if count == len(found):
        found = grown(found)
    found[count, 0], found[count, 1], found[count, 2] = place, node, automaton
    return found, count + 1
