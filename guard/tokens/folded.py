"""Folding all tokens of a vocabulary at once, with arrays. The result is what `StreamFolder` returns for each token.

Folding maps each character by itself, so it is computed only once for each of the few thousand characters of a vocabulary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from guard.folding import StreamFolder, fold_character
from guard.tokens.pieces import Pieces, spans

_SPACE, _DOT = 32, 46


def broken(pieces: Pieces) -> NDArray[np.int64]:
    """Return the indices of the strings that are not valid UTF-8 by themselves, int64 [n]. Most are parts of a character."""
    high = np.zeros(len(pieces.data) + 1, np.int64)
    np.cumsum(pieces.data >= 0x80, out=high[1:])
    suspects = np.flatnonzero(np.diff(high[pieces.start]))
    return np.array([at for at in suspects.tolist() if not _valid(pieces[at])], np.int64)


def _valid(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def fold_pieces(pieces: Pieces) -> Pieces:
    """Return the fold of each string as a token that may follow anything: `StreamFolder().feed(string)`."""
    code, first, odd = _characters(pieces)
    fragments, index = _fragments(code, odd)
    lengths = fragments.lengths[index]
    # Where each token begins among the folded bytes.
    begin = np.append(0, np.cumsum(lengths))[first]
    folded = fragments.data[spans(fragments.start[index], lengths)]
    kept = _first_of_runs(folded, begin)
    return Pieces(folded[kept], np.append(0, np.cumsum(kept))[begin])


def _first_of_runs(folded: NDArray[np.uint8], begin: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which bytes remain if each run of spaces and dots within a token becomes a space, a dot, or a dot and a space.

    Args:
        folded: uint8 [bytes]; the tokens one after the other.
        begin: int64 [tokens + 1]; where each token begins.
    """
    space = folded == _SPACE
    gap = space | (folded == _DOT)
    follows = np.zeros(len(folded), np.bool_)
    follows[1:] = gap[1:] & gap[:-1]
    follows[begin[begin < len(folded)]] = False
    # Of what follows in a run that began with a dot, the first space remains.
    spaces = np.append(0, np.cumsum(space))[:-1]
    first = np.flatnonzero(gap & ~follows)
    run = np.cumsum(gap & ~follows) - 1
    kept = ~follows
    later = np.flatnonzero(follows & space)
    kept[later] = spaces[later] == spaces[first[run[later]]]
    return kept


def _characters(pieces: Pieces) -> tuple[NDArray[np.uint32], NDArray[np.int64], list[bytes]]:
    """Take the strings apart into characters. A string that is not valid UTF-8 counts as one character.

    Returns:
        code: uint32 [characters]; the code of each character. Strings that are not valid UTF-8 have codes above all others.
        first: int64 [strings + 1]; where each string begins among the characters, and where the last one ends.
        odd: The folds of the strings that are not valid UTF-8.
    """
    strange = broken(pieces)
    odd = [StreamFolder().feed(pieces[at]) for at in strange.tolist()]
    whole = np.ones(len(pieces.data), np.bool_)
    whole[spans(pieces.start[strange], pieces.lengths[strange])] = False
    leads = np.append(0, np.cumsum(((pieces.data & 0xC0) != 0x80) & whole))
    count = np.diff(leads[pieces.start])
    count[strange] = 1
    first = np.append(0, np.cumsum(count))
    ordinary = np.ones(first[-1], np.bool_)
    ordinary[first[strange]] = False
    code = np.empty(len(ordinary), np.uint32)
    code[ordinary] = np.frombuffer(pieces.data[whole].tobytes().decode().encode("utf-32-le"), np.uint32)
    code[~ordinary] = code[ordinary].max(initial=0) + 1 + np.arange(len(odd), dtype=np.uint32)
    return code, first, odd


def _fragments(code: NDArray[np.uint32], odd: list[bytes]) -> tuple[Pieces, NDArray[np.int32]]:
    """Return the folds of the distinct codes, and the index of each character's fold among them, int32 [characters]."""
    used = np.zeros(code.max(initial=0) + 1, np.bool_)
    used[code] = True
    present = np.flatnonzero(used).tolist()
    folded = [fold_character(chr(c)).encode() for c in present[: len(present) - len(odd)]] + odd
    index = np.cumsum(used, dtype=np.int32)[code]
    return Pieces.of(folded), index - np.int32(1)
