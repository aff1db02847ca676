"""Hits: steps in which the model would have said what is banned. The compiled loop that finds them in float32 logits on a CPU.

A row has a hit if its likeliest token is banned, or if the banned tokens hold at least the share `SHARE` of the probability. The
logits before they are edited count. A token that is only penalised is not banned.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from guard.decoding.kernels import BLOCK, any_above, none_above

SHARE = 0.3
"""The share of the probability."""
_REST = (1 - SHARE) / SHARE
# Logits that are lower than another one by this add less than 1e-8 to it, all of a vocabulary together.
_FAR = np.float32(32)
_LOG2E = np.float32(math.log2(math.e))
_UNIT = 2.0**30


@njit(cache=True, nogil=True)
def find_hits(logits, banned, asked):
    """Return which rows have a hit, bool [rows]. Those of `logits` that decide it closely have their bans done, in place.

    Most rows are decided by one logit: it alone outweighs what is banned. Rows in which there is none are counted exactly. A ban
    may be given twice, so a banned logit is set to -inf when it was counted.

    Args:
        logits: float32 [rows, tokens], without NaN.
        banned: int64 [2, n]; rows and ids.
        asked: bool [rows]; the rows to look at.
    """
    rows = len(logits)
    hit = np.zeros(rows, np.bool_)
    top = np.full(rows, -np.inf, np.float32)
    for k in range(banned.shape[1]):
        row = banned[0, k]
        if asked[row]:
            top[row] = max(top[row], logits[row, banned[1, k]])
    # At least the sum of the banned logits' exponentials, relative to `top`, in units of 2^-30. Repeated ones count again, and
    # between powers of two a straight line is taken for the exponential: it is never below it, and at most 7 % above.
    most = np.zeros(rows, np.int64)
    for k in range(banned.shape[1]):
        row = banned[0, k]
        if asked[row]:
            power = (logits[row, banned[1, k]] - top[row]) * _LOG2E
            if power > -_FAR:
                below = math.floor(power)
                most[row] += (np.int64((1 + power - below) * _UNIT) >> np.int64(-below)) + 1
    close = np.zeros(rows, np.bool_)
    found = False
    for row in range(rows):
        if top[row] > -np.inf:
            # The sum is at least 1, so a logit above this one is above all that are banned, too.
            enough = top[row] + np.float32(math.log(most[row] / _UNIT * _REST))
            close[row] = none_above(logits[row], enough)
            found |= close[row]
    if not found:
        return hit
    mass = np.zeros(rows, np.float64)
    first = np.full(rows, logits.shape[1], np.int64)
    for k in range(banned.shape[1]):
        row, token = banned[0, k], banned[1, k]
        if close[row] and logits[row, token] > -np.inf:
            mass[row] += math.exp(np.float64(logits[row, token]) - top[row])
            if logits[row, token] == top[row]:
                first[row] = min(first[row], token)
            logits[row, token] = -np.inf
    for row in range(rows):
        if close[row]:
            hit[row] = _is_hit(logits[row], top[row], first[row], mass[row])
    return hit


@njit(cache=True, nogil=True)
def _is_hit(values, top, first, mass):
    """Return whether a row has a hit.

    Args:
        values: float32 [tokens]; the logits that are not banned, and -inf.
        top, first: The highest banned logit, and the first token that has it.
        mass: The sum of the banned logits' exponentials, relative to `top`.
    """
    rest, likelier = 0.0, False
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        if any_above(block, top - _FAR):
            for place in range(len(block)):
                if block[place] > top - _FAR:
                    rest += math.exp(np.float64(block[place]) - top)
                    # Of equal logits the first is the likeliest.
                    likelier |= block[place] > top or (block[place] == top and start + place < first)
            if likelier and rest > mass * _REST:
                return False
    return not likelier or mass >= SHARE * (mass + rest)
