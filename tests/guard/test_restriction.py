"""Restriction files: named by their content, whole or not there, unreadable for others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from guard import restriction as module
from guard.errors import CorruptRestriction, FormatMismatch, UnknownRestriction
from guard.phrase import Phrase
from guard.restriction import SUFFIX, Restriction

PHRASES = [
    Phrase("Mad Hatter"),
    Phrase("Hatter", beta=0.6),
    Phrase("tea", scope="gated", penalty=4.0),
    Phrase("Wonder", match="prefix"),
]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    saved = Restriction.compile(PHRASES)
    path = saved.save(tmp_path)
    loaded = Restriction.load(tmp_path, saved.digest)
    assert path.name == saved.digest + SUFFIX
    assert loaded.arrays().keys() == saved.arrays().keys()
    for name, array in saved.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
        assert not loaded.arrays()[name].flags.owndata
    assert (loaded.automaton.depth, loaded.automaton.start) == (saved.automaton.depth, saved.automaton.start)
    assert list(tmp_path.iterdir()) == [path]


def test_the_digest_names_the_content() -> None:
    assert Restriction.compile(PHRASES).digest == Restriction.compile([*reversed(PHRASES), PHRASES[0]]).digest
    assert Restriction.compile(PHRASES).digest != Restriction.compile(PHRASES[1:]).digest
    harder = [PHRASES[0], Phrase("tea", scope="gated", penalty=5.0), PHRASES[2]]
    assert Restriction.compile(PHRASES).digest != Restriction.compile(harder).digest


def test_an_unknown_digest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownRestriction):
        Restriction.load(tmp_path, "0" * 64)


@pytest.mark.parametrize("kept", [0, 7, 200, -1])
def test_a_truncated_file_is_an_error(tmp_path: Path, kept: int) -> None:
    restriction = Restriction.compile(PHRASES)
    path = restriction.save(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CorruptRestriction):
        Restriction.load(tmp_path, restriction.digest)


def test_every_changed_byte_of_the_arrays_is_noticed(tmp_path: Path) -> None:
    restriction = Restriction.compile(PHRASES)
    path = restriction.save(tmp_path)
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    for at in range(header, len(content), 13):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with pytest.raises(CorruptRestriction):
            Restriction.load(tmp_path, restriction.digest)


def test_another_restriction_under_this_name_is_noticed(tmp_path: Path) -> None:
    one, other = Restriction.compile(PHRASES), Restriction.compile(PHRASES[1:])
    other.save(tmp_path).rename(tmp_path / (one.digest + SUFFIX))
    with pytest.raises(CorruptRestriction, match="does not hold"):
        Restriction.load(tmp_path, one.digest)


def test_another_format_version_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restriction = Restriction.compile(PHRASES)
    restriction.save(tmp_path)
    monkeypatch.setattr(module, "FORMAT", module.FORMAT + 1)
    with pytest.raises(FormatMismatch, match=f"expected {module.FORMAT}"):
        Restriction.load(tmp_path, restriction.digest)


def test_too_many_phrases_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PHRASES", 3)
    with pytest.raises(ValueError, match="4 phrases in one restriction, at most 3"):
        Restriction.compile(PHRASES)


def vectors(*cosines: float) -> NDArray[np.float32]:
    return np.array([(c, (1 - c * c) ** 0.5) for c in cosines], np.float32)


def test_the_digest_is_that_of_the_arrays() -> None:
    restriction = Restriction.compile(PHRASES)
    by_hand = hashlib.sha256(json.dumps(["guard-restriction", module.FORMAT]).encode())
    for name, array in restriction.arrays().items():
        by_hand.update(json.dumps([name, array.dtype.str, array.shape]).encode() + array.tobytes())
    assert restriction.digest == by_hand.hexdigest()
