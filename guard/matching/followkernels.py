"""The compiled loops of `guard.matching.follower`: they read an answer and find where what its end has begun begins.

They use positions in the folded text in which each run of spaces and dots is one byte, as in a pattern.

- `progress` int64 [4]: the end of the folded text (LETTER, GAP behind a space, DOTTED behind a dot), and how many bytes, letters
  (in bytes) and words have been read.
- `bytes_at`, `letters_at`, `words_at` int64 [a power of two]: rings with the places of the last bytes, letters and first letters
  of words: twice the index of the character in the text, and in `bytes_at` one more for a run of spaces and dots.
- `state` int64 [7]: the state of the exact automaton; node, `begun` and `spaced` of the compact one; `count`, `letters` and
  `gap` of the one for names with one more word in them.
- `levels` int32 [depth + 1]: the first node of each level; nodes are numbered breadth first.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from guard.matching import compactkernels, gapkernels
from guard.matching.kernels import walk
from guard.matching.trie import DOT, SPACE, follow, sentence_end

LETTER, GAP, DOTTED = range(3)
END, BYTES, LETTERS, WORDS = range(4)
EXACT, NODE, BEGUN, SPACED, COUNT, BRIEF_LETTERS, GAPPED = range(7)
NOTHING = np.iinfo(np.int64).max


@njit(cache=True, nogil=True)
def merge(raw, source, base, progress, bytes_at, letters_at, words_at, folded):
    """Join runs of spaces and dots as `guard.folding.StreamFolder` does, and note where each byte comes from.

    Args:
        raw: uint8 [bytes]; the folded characters one after the other.
        source: int64 [bytes]; the index of the character from which each byte comes, counted from `base`.
        base: How many characters have been read before.
        folded: uint8 [bytes]; what is added to the folded text is written into it.

    Returns:
        The number of bytes written.
    """
    end, count, letters, words = progress[END], progress[BYTES], progress[LETTERS], progress[WORDS]
    written = 0
    for i in range(len(raw)):
        byte = raw[i]
        at = 2 * (base + source[i])
        if byte in (SPACE, DOT):
            if end == GAP or (end == DOTTED and byte == DOT):
                continue
            if end == LETTER:
                bytes_at[count & (len(bytes_at) - 1)] = at + 1
                count += 1
            end = GAP if byte == SPACE else DOTTED
        else:
            if end != LETTER:
                words_at[words & (len(words_at) - 1)] = at
                words += 1
            bytes_at[count & (len(bytes_at) - 1)] = at
            count += 1
            letters_at[letters & (len(letters_at) - 1)] = at
            letters += 1
            end = LETTER
        folded[written] = byte
        written += 1
    progress[END], progress[BYTES], progress[LETTERS], progress[WORDS] = end, count, letters, words
    return written


@njit(cache=True, nogil=True)
def depth_of(levels, node):
    """Return a node's distance from the root."""
    low, high = 0, len(levels)
    while high - low > 1:
        middle = (low + high) >> 1
        if levels[middle] <= node:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def open_node(first_child, fail, node):
    """Return the longest suffix of a node's path, itself included, with which a longer pattern begins; the root if none."""
    while node and first_child[node] == first_child[node + 1]:
        node = fail[node]
    return node


@njit(cache=True, nogil=True)
def _exactly(first_child, fail, levels, node, count, bytes_at):
    node = open_node(first_child, fail, node)
    at = count - depth_of(levels, node)
    if at < count and bytes_at[at & (len(bytes_at) - 1)] & 1:  # the space before the first word
        at += 1
    return bytes_at[at & (len(bytes_at) - 1)] >> 1 if at < count else NOTHING


@njit(cache=True, nogil=True)
def advance(
    first_child, label, fail, letters, levels, c_first_child, c_label, c_fail, c_levels,
    g_first_child, g_label, g_words, state, g_nodes, g_kinds, folded, progress, bytes_at, letters_at, words_at,
):  # fmt: skip
    """Read folded text, which `merge` has read before, and return where the longest phrase that it has begun begins.

    The arguments are the tables of the three automata and the module's arrays; `state`, `g_nodes` and `g_kinds` are changed in
    place.

    Returns:
        The index of a character in the text, or NOTHING.
    """
    start = NOTHING
    at = walk(first_child, label, fail, letters, state[EXACT], folded)
    state[EXACT] = at
    count = progress[BYTES]
    if at < len(label):
        start = _exactly(first_child, fail, levels, at, count, bytes_at)
    else:  # behind a dot it is open whether a space follows
        node = at - len(label)
        plain = follow(first_child, label, fail, node, SPACE)
        ended = sentence_end(first_child, label, fail, letters, node)
        start = min(
            _exactly(first_child, fail, levels, plain, count, bytes_at),
            _exactly(first_child, fail, levels, ended, count, bytes_at),
        )
    if len(c_label) > 1:
        node, begun, spaced = compactkernels.advance(
            c_first_child, c_label, c_fail, state[NODE], np.uint64(state[BEGUN]), state[SPACED], folded
        )
        state[NODE], state[BEGUN], state[SPACED] = node, np.int64(begun), spaced
        while node:
            depth = depth_of(c_levels, node)
            if c_first_child[node] < c_first_child[node + 1] and (begun >> np.uint64(depth - 1)) & np.uint64(1):
                start = min(start, letters_at[(progress[LETTERS] - depth) & (len(letters_at) - 1)] >> 1)
                break
            node = c_fail[node]
    if len(g_label) > 1:
        threads, brief, gap = gapkernels.advance(
            g_first_child, g_label, g_nodes, g_kinds, state[COUNT], state[BRIEF_LETTERS], state[GAPPED], folded
        )
        state[COUNT], state[BRIEF_LETTERS], state[GAPPED] = threads, brief, gap
        for k in range(threads):
            node, kind = g_nodes[k], g_kinds[k]
            # The words that have been begun: those on the path, and the additional one.
            said = g_words[node] - (g_label[node] == SPACE) + (kind in (gapkernels.PASSING, gapkernels.PASSED))
            if said > 0 and g_first_child[node] < g_first_child[node + 1]:
                start = min(start, words_at[(progress[WORDS] - said) & (len(words_at) - 1)] >> 1)
    return start
