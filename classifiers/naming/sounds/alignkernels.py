"""The compiled loops of `classifiers.naming.sounds.alignment`: hashes of sounds, and how far a name is from a part of a text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from classifiers.arrays import doubled

FEWEST = 4
"""The fewest consonants of a name that is searched for."""
MOST = 19
"""The most consonants of a name that is searched for."""
# How much of the limit each word of a name is allowed, and with how many more consonants than it has.
_WORD_SHARE = 1.5
_WORD_FREE = 0.3
# The most phonemes of a run of words.
_LONGEST = 120


def _compiled(function: Any) -> Any:
    return njit(cache=True, nogil=True)(function)


@_compiled
def _number(symbols: Any, length: int) -> Any:
    """Return the hash of a sequence of classes."""
    key = np.uint64(length)
    for at in range(length):
        key = (key << np.uint64(3)) | np.uint64(symbols[at])
    key = key * np.uint64(11400714819323198485)
    return key ^ (key >> np.uint64(29))


@_compiled
def _read(letters: Any, options: Any, first: int, one: int, second: int, two: int, symbols: Any) -> int:
    """Write the classes of a name into `symbols`, with the other options at two places; return their number, or -1."""
    count = 0
    for at in range(len(letters)):
        option = one if at == first else two if at == second else 0
        symbol = options[letters[at], option]
        # Two equal consonants in a row, across a space or a silent letter, are kept: the text has both too.
        if symbol > 0:
            if count == MOST:
                return -1
            symbols[count] = symbol
            count += 1
    return count


@_compiled
def enter(text: Any, start: Any, options: Any) -> Any:
    """Return all keys of all names, uint64, and the number of the name of each key, int32."""
    keys, owner = np.empty(1024, np.uint64), np.empty(1024, np.int32)
    symbols = np.empty(20, np.int8)
    filled = 0
    for name in range(len(start) - 1):
        letters = text[start[name] : start[name + 1]]
        length = len(letters)
        plain = _read(letters, options, -1, 0, -1, 0, symbols)
        if plain < FEWEST:
            continue
        # -1: no other option is taken.
        for first in range(-1, length):
            for one in range(1, 3 if first >= 0 else 2):
                if first >= 0 and options[letters[first], one] < 0:
                    continue
                for second in range(-1, max(first, 0)):
                    for two in range(1, 3 if second >= 0 else 2):
                        if second >= 0 and options[letters[second], two] < 0:
                            continue
                        count = _read(letters, options, first, one, second, two, symbols)
                        if count < 3:
                            continue
                        if filled == len(keys):
                            keys, owner = doubled(keys), doubled(owner)
                        keys[filled], owner[filled] = _number(symbols, count), name
                        filled += 1
    return keys[:filled], owner[:filled]


@_compiled
def _distance(
    letters: Any, sounds: Any, replaced: Any, missing: Any, added: Any, told: Any, limit: float, most: float, row: Any, since: Any
) -> float:
    """Return the least cost of an alignment, or anything above `most`.

    Each word of the name must be alike too. `since` has the part of each cost in `row` that was before the last space.
    """
    columns = len(sounds)
    row[0], since[0] = 0.0, 0.0
    for at in range(columns):
        row[at + 1], since[at + 1] = row[at] + added[sounds[at]], 0.0
    word = 0.0
    for letter in letters:
        word_limit = _WORD_SHARE * limit * (word + _WORD_FREE)
        word = 0.0 if letter == 0 else word + told[letter]
        diagonal, before = row[0], since[0]
        row[0] += missing[letter]
        least = row[0]
        for at in range(columns):
            cost, back = diagonal + replaced[letter, sounds[at]], before
            if letter == 0 and sounds[at] == 0:
                cost, back = (diagonal, diagonal) if diagonal - before <= word_limit else (1e9, 0.0)
            diagonal, before = row[at + 1], since[at + 1]
            if row[at + 1] + missing[letter] < cost:
                cost, back = row[at + 1] + missing[letter], since[at + 1]
            if row[at] + added[sounds[at]] < cost:
                cost, back = row[at] + added[sounds[at]], since[at]
            row[at + 1], since[at + 1] = cost, back
            least = min(least, cost)
        if least > most:
            return float(least)
    alike = row[columns] - since[columns] <= _WORD_SHARE * limit * (word + _WORD_FREE)
    return float(row[columns]) if alike else 1e9


@_compiled
def search(
    sounds: Any, bounds: Any, class_of: Any, text: Any, start: Any, allowed: Any, keys: Any, owner: Any, table: Any,
    replaced: Any, missing: Any, added: Any, told: Any, limit: float, most_words: int,
) -> Any:  # fmt: skip
    """Return the matches, int64 [n, 3] (name, first place, last place), and their costs per consonant, float64 [n]."""
    found, cost = np.empty((16, 3), np.int64), np.empty(16, np.float64)
    count = 0
    mask = np.uint64(len(table) * 64 - 1)
    symbols = np.empty(24, np.int8)
    changed = np.empty(24, np.int8)
    row, since = np.empty(_LONGEST + 2, np.float64), np.empty(_LONGEST + 2, np.float64)
    seen = np.full(len(start) - 1, -1, np.int64)
    run = 0
    for i in range(len(bounds)):
        if not bounds[i, 1]:
            continue
        length, place = 0, bounds[i, 0]
        for j in range(i + 1, len(bounds)):
            if bounds[j, 3] - bounds[i, 3] >= most_words or length > MOST:
                break
            while place < bounds[j, 0] and length < MOST + 2:
                if class_of[sounds[place]] > 0:
                    symbols[length] = class_of[sounds[place]]
                    length += 1
                place += 1
            if not bounds[j, 2] or length < FEWEST or length > MOST or place - bounds[i, 0] > _LONGEST:
                continue
            run += 1
            # Operation 0: none; then one deletion, replacement or insertion at each place.
            for edit in range(1 + length + 7 * length + 7 * (length + 1)):
                if edit == 0:
                    key = _number(symbols, length)
                else:
                    operation = edit - 1
                    if operation < length:
                        for at in range(length - 1):
                            changed[at] = symbols[at if at < operation else at + 1]
                        key = _number(changed, length - 1)
                    elif operation < 8 * length:
                        operation -= length
                        at, other = operation // 7, operation % 7 + 1
                        if symbols[at] == other:
                            continue
                        changed[:length] = symbols[:length]
                        changed[at] = other
                        key = _number(changed, length)
                    else:
                        operation -= 8 * length
                        at, other = operation // 7, operation % 7 + 1
                        changed[:at] = symbols[:at]
                        changed[at] = other
                        changed[at + 1 : length + 1] = symbols[at:length]
                        key = _number(changed, length + 1)
                slot = key & mask
                if not (table[slot >> np.uint64(6)] >> (slot & np.uint64(63))) & np.uint64(1):
                    continue
                low, high = 0, len(keys)
                while low < high:
                    middle = (low + high) >> 1
                    if keys[middle] < key:
                        low = middle + 1
                    else:
                        high = middle
                while low < len(keys) and keys[low] == key:
                    name = owner[low]
                    low += 1
                    if seen[name] == run:
                        continue
                    seen[name] = run
                    most = limit * allowed[name]
                    total = _distance(
                        text[start[name] : start[name + 1]],
                        sounds[bounds[i, 0] : place],
                        replaced,
                        missing,
                        added,
                        told,
                        limit,
                        most,
                        row,
                        since,
                    )
                    if total <= most:
                        if count == len(found):
                            found = doubled(found)
                            cost = np.concatenate((cost, np.empty_like(cost)))
                        found[count, 0], found[count, 1], found[count, 2] = name, bounds[i, 0], place
                        # A single word of few consonants must be heard exactly.
                        cost[count] = total / allowed[name] if allowed[name] > 0 else 0.0
                        count += 1
    return found[:count], cost[:count]


@_compiled
def nearest(
    sounds: Any, bounds: Any, letters: Any, replaced: Any, missing: Any, added: Any, most_words: int, most: float
) -> float:
    """Return the least cost of aligning all letters of one name with a run of words, or `most` if none costs less.

    From each beginning the text is read once, sound by sound: `cost[n]` is that of the first n letters and what was read.
    """
    count = len(letters)
    cost = np.empty(count + 1, np.float64)
    least = most
    for i in range(len(bounds)):
        if not bounds[i, 1]:
            continue
        cost[0] = 0.0
        for at in range(count):
            cost[at + 1] = cost[at] + missing[letters[at]]
        place = bounds[i, 0]
        for j in range(i + 1, len(bounds)):
            if bounds[j, 3] - bounds[i, 3] >= most_words:
                break
            best = 0.0
            while place < bounds[j, 0] and best < least:
                sound = sounds[place]
                place += 1
                diagonal = cost[0]
                cost[0] += added[sound]
                best = cost[0]
                for at in range(count):
                    letter = letters[at]
                    both = diagonal if letter == 0 and sound == 0 else diagonal + replaced[letter, sound]
                    diagonal = cost[at + 1]
                    cost[at + 1] = min(both, diagonal + added[sound], cost[at] + missing[letter])
                    best = min(best, cost[at + 1])
            if best >= least:
                break
            if bounds[j, 2]:
                least = min(least, cost[count])
    return least
