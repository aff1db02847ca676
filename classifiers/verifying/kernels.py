"""The verifier's loops, compiled by numba.

The arrays of the automata are those of `guard.matching.kernels`, `compactkernels` and `gapkernels`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching import compactkernels, gapkernels
from guard.matching.kernels import carries_ending, step
from guard.matching.patterns import ENDING, OPEN, WORD
from guard.matching.trie import DOT, SPACE, grown


@njit(cache=True, nogil=True)
def _gap(text, at):
    return at == len(text) or text[at] == SPACE or text[at] == DOT


@njit(cache=True, nogil=True)
def banned(first_child, label, fail, letters, open_end, word_end, ending, e_child, e_label, e_stop, node, text):
    """Find where banned phrases end in folded `text`, uint8 [bytes], read from state `node`.

    Returns:
        int64 [n, 3]: the node, how the phrase ends there (OPEN, WORD or ENDING), and the offset behind its last byte.
    """
    found = np.empty((8, 3), np.int64)
    count = 0
    for i in range(len(text)):
        node = step(first_child, label, fail, letters, node, text[i])
        if text[i] == SPACE or text[i] == DOT:
            continue
        at_end = _gap(text, i + 1)
        kind = -1
        if at_end and word_end[node] == np.inf:
            kind = WORD
        elif open_end[node] == np.inf:
            kind = OPEN
        elif len(ending) and ending[node] == np.inf and not at_end and carries_ending(e_child, e_label, e_stop, text, i + 1):
            kind = ENDING
        if kind >= 0:
            if count == len(found):
                found = grown(found)
            found[count, 0], found[count, 1], found[count, 2] = node, kind, i + 1
            count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def compact_banned(first_child, label, fail, level, word_end, anywhere, text):
    """Find banned phrases by their letters in folded `text`, uint8 [bytes].

    Args:
        anywhere: Whether a phrase may begin and end inside a word.

    Returns:
        int64 [n, 2]: where each begins and ends in `text`.
    """
    found = np.empty((8, 2), np.int64)
    count = 0
    places = np.empty(len(text), np.int64)
    read = 0
    node, begun, spaced = 0, np.uint64(0), 1
    for i in range(len(text)):
        node, begun, spaced = compactkernels.advance(first_child, label, fail, node, begun, spaced, text[i : i + 1])
        if text[i] == SPACE or text[i] == DOT:
            continue
        places[read] = i
        read += 1
        if node and (anywhere or _gap(text, i + 1)):
            path = node
            while path:
                length = level[path]
                if word_end[path] == np.inf and (anywhere or (begun >> np.uint64(length - 1)) & np.uint64(1)):
                    if count == len(found):
                        found = grown(found)
                    found[count, 0], found[count, 1] = places[read - length], i + 1
                    count += 1
                path = fail[path]
    return found[:count]


@njit(cache=True, nogil=True)
def gap_banned(first_child, label, word_end, ending, e_child, e_label, e_stop, text):
    """Find banned names with one more word in them in folded `text`, uint8 [bytes].

    Returns:
        int64 [n, 2]: the node of the name's own words, and the offset behind its last byte.
    """
    found = np.empty((8, 2), np.int64)
    count = 0
    nodes, kinds = np.zeros(gapkernels.THREADS, np.int32), np.zeros(gapkernels.THREADS, np.uint8)
    threads, letters, gap = gapkernels.begin(first_child, label, nodes, kinds), 0, 1
    for i in range(len(text)):
        threads, letters, gap = gapkernels.advance(first_child, label, nodes, kinds, threads, letters, gap, text[i : i + 1])
        if gap:
            continue
        at_end = _gap(text, i + 1)
        for k in range(threads):
            if kinds[k] == gapkernels.PASSED:
                node = nodes[k]
                if (at_end and word_end[node] == np.inf) or (
                    not at_end and ending[node] == np.inf and carries_ending(e_child, e_label, e_stop, text, i + 1)
                ):
                    if count == len(found):
                        found = grown(found)
                    found[count, 0], found[count, 1] = node, i + 1
                    count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def _ones(bits):
    """Return the number of ones in a uint64 (Warren, "Hacker's Delight", section 5-1)."""
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def _shared(room, text, begin, end):
    """Return how many letters from `begin` to `end` a fact has, whatever their order; `room`, int32 [symbols], is how often."""
    for at in range(begin, end):
        room[text[at]] -= 1
    shared = 0
    for at in range(begin, end):
        # Taken back in any order, each symbol finds as many places as the fact has of it.
        if room[text[at]] >= 0:
            shared += 1
        room[text[at]] += 1
    return shared


@njit(cache=True, nogil=True)
def kept(masks, counts, least, windows, text, begins):
    """Return for each fact the most letters that a window of the text has of it in order, and where that window is.

    The number of letters is the length of the longest common subsequence, which is computed for all positions of a fact at once
    (Hyyrö 2004, "Bit-parallel LCS-length computation revisited"), for windows that share enough letters in any order.

    Args:
        masks: uint64 [facts, symbols, words]; the bits of the positions at which each fact has each symbol.
        counts: int32 [facts, symbols]; how often each fact has each symbol, none of symbol 0.
        least: int64 [facts]; fewer letters are not reported.
        windows: int64 [facts]; the letters of a window.
        text: int32 [letters]; the text's letters as symbols, 0 for any that no fact has.
        begins: int64 [n]; where windows begin, ascending.

    Returns:
        int64 [facts, 3]: the letters kept, and the first and last (exclusive) letter of the shortest such window; zeros for none.
    """
    facts, symbols, words = masks.shape
    found = np.zeros((facts, 3), np.int64)
    rows = np.empty(words, np.uint64)
    room = np.empty(symbols, np.int32)
    full = ~np.uint64(0)
    for fact in range(facts):
        best, first, last = max(least[fact], 1), 0, 0
        room[:] = counts[fact]
        for begin in begins:
            end = min(begin + windows[fact], len(text))
            if end - begin < best or _shared(room, text, begin, end) < best:
                continue
            rows[:] = full
            count = 0
            for at in range(begin, end):
                symbol = text[at]
                if symbol == 0:
                    continue
                carry = np.uint64(0)
                now = 0
                for word in range(words):
                    v = rows[word]
                    mask = masks[fact, symbol, word]
                    total = v + (v & mask)
                    over = np.uint64(total < v)
                    total += carry
                    over |= np.uint64(total < carry)
                    carry = over
                    rows[word] = total | (v & ~mask)
                    now += _ones(~rows[word])
                if now > count:
                    count = now
                    if now > best or (now == best and (last == 0 or at + 1 - begin < last - first)):
                        best, first, last = now, begin, at + 1
        if last:
            found[fact, 0], found[fact, 1], found[fact, 2] = best, first, last
    return found
