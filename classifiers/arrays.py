"""Arrays for compiled loops: those that grow, and tables of bits that say which keys are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


def _doubled(array: Any) -> Any:
    """Return an array twice as long as `array`, of any shape and type, that begins with its rows; the others are not set."""
    return np.concatenate((array, np.empty_like(array)))


def _bits_of(keys: Any, bits: int) -> Any:
    """Return a table of 2^bits bits with a bit set for each key, uint64."""
    table = np.zeros(1 << (bits - 6), np.uint64)
    mask = np.uint64((1 << bits) - 1)
    for key in keys:
        place = key & mask
        table[place >> np.uint64(6)] |= np.uint64(1) << (place & np.uint64(63))
    return table


doubled: Any = njit(cache=True, nogil=True)(_doubled)
bits_of: Any = njit(cache=True, nogil=True)(_bits_of)
