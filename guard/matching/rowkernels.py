"""The compiled loops over sorted byte strings, which `guard.matching.rows` keeps one after the other in one array.

`text` uint8 [bytes] holds the strings, and `start` int64 [strings + 1] says where each begins and where the last one ends.
"""

from __future__ import annotations

import numpy as np
from numba import njit

SPACE, DOT = 32, 46


@njit(cache=True, nogil=True)
def taken(text, start, at):
    """Return the strings at the places `at`, int64 [n], as text and start."""
    begin = np.zeros(len(at) + 1, np.int64)
    for k in range(len(at)):
        begin[k + 1] = begin[k] + start[at[k] + 1] - start[at[k]]
    found = np.empty(begin[-1], np.uint8)
    for k in range(len(at)):
        first = start[at[k]]
        for i in range(start[at[k] + 1] - first):
            found[begin[k] + i] = text[first + i]
    return found, begin


@njit(cache=True, nogil=True)
def differ(text, start):
    """Return which strings differ from the one before them, bool [strings]. The first one does."""
    found = np.ones(len(start) - 1, np.bool_)
    for k in range(1, len(found)):
        a, b, end = start[k - 1], start[k], start[k + 1]
        if b - a == end - b:
            i = 0
            while b + i < end and text[a + i] == text[b + i]:
                i += 1
            found[k] = b + i < end
    return found


@njit(cache=True, nogil=True)
def _after(text, start, tag, i, others, begin, others_tag, k):
    """Return whether string i comes after string k of others."""
    a, b = start[i], begin[k]
    while a < start[i + 1] and b < begin[k + 1]:
        if text[a] != others[b]:
            return text[a] > others[b]
        a += 1
        b += 1
    if a < start[i + 1] or b < begin[k + 1]:
        return a < start[i + 1]
    return tag[i] > others_tag[k]


@njit(cache=True, nogil=True)
def merged(text, start, tag, others, begin, others_tag):
    """Return the order of two sorted lists together, int64 [n + m]: places in the first, and behind these in the second."""
    count, more = len(start) - 1, len(begin) - 1
    order = np.empty(count + more, np.int64)
    i = k = 0
    while i < count or k < more:
        if k == more or (i < count and not _after(text, start, tag, i, others, begin, others_tag, k)):
            order[i + k] = i
            i += 1
        else:
            order[i + k] = count + k
            k += 1
    return order


@njit(cache=True, nogil=True)
def _narrowed(text, start, low, high, depth, byte):
    """Return the range of those strings from `low` to `high` that have `byte` at `depth`; all agree before it."""
    first, last = low, high
    while first < last:
        middle = (first + last) >> 1
        at = start[middle] + depth
        if at < start[middle + 1] and text[at] >= byte:
            last = middle
        else:
            first = middle + 1
    low, last = first, high
    while first < last:
        middle = (first + last) >> 1
        if text[start[middle] + depth] > byte:
            last = middle
        else:
            first = middle + 1
    return low, first


@njit(cache=True, nogil=True)
def equal(text, start, wanted):
    """Return the range of the strings that are `wanted`, uint8 [bytes]."""
    low, high = 0, len(start) - 1
    for depth in range(len(wanted)):
        low, high = _narrowed(text, start, low, high, depth, wanted[depth])
    last = low
    while last < high and start[last + 1] - start[last] == len(wanted):
        last += 1
    return low, last


@njit(cache=True, nogil=True)
def inside(text, start, whole):
    """Return the places of the strings that occur in `whole`, uint8 [bytes], if a space and a dot count as equal, int64 [n].

    A string that occurs more than once may be listed more than once.
    """
    found = [np.int64(0) for _ in range(0)]
    for begin in range(len(whole)):
        pending = [(np.int64(begin), np.int64(0), np.int64(len(start) - 1))]
        while len(pending):
            at, low, high = pending.pop()
            depth = at - begin
            while low < high and depth and start[low + 1] - start[low] == depth:
                found.append(low)
                low += 1
            if low == high or at == len(whole):
                continue
            if whole[at] == SPACE or whole[at] == DOT:
                for byte in (SPACE, DOT):
                    first, last = _narrowed(text, start, low, high, depth, byte)
                    pending.append((at + 1, np.int64(first), np.int64(last)))
            else:
                first, last = _narrowed(text, start, low, high, depth, whole[at])
                pending.append((at + 1, np.int64(first), np.int64(last)))
    return np.array(found, np.int64) if len(found) else np.empty(0, np.int64)
