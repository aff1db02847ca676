"""Held restrictions: loaded once, dropped when no answer needs them any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import UnknownRestriction
from guard.phrase import Phrase
from guard.restriction import Restriction
from server.policy import held as module
from server.policy.held import Held


def made(folder: Path, *texts: str) -> list[str]:
    digests = []
    for text in texts:
        restriction = Restriction.compile([Phrase(text)])
        restriction.save(folder)
        digests.append(restriction.digest)
    return digests


def test_what_is_kept_is_loaded_once(tmp_path: Path) -> None:
    held = Held(tmp_path)
    (digest,) = made(tmp_path, "Ada Byron")
    held.keep([digest])
    found = held.get(digest)
    assert found.digest == digest
    held.keep([digest])
    assert held.get(digest) is found


def test_another_restriction_is_loaded_when_it_is_needed(tmp_path: Path) -> None:
    held = Held(tmp_path)
    (digest,) = made(tmp_path, "Ada Byron")
    assert held.get(digest) is held.get(digest)


def test_only_the_latest_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    held = Held(tmp_path)
    digests = made(tmp_path, "Ada Byron", "Mary Land", "Ron Weasley")
    first = [held.get(digest) for digest in digests]
    assert held.get(digests[2]) is first[2]
    assert held.get(digests[0]) is not first[0]


def test_what_is_dropped_is_loaded_anew_or_not_known(tmp_path: Path) -> None:
    held = Held(tmp_path)
    kept, other = made(tmp_path, "Ada Byron", "Mary Land")
    held.keep([kept])
    held.get(other)
    held.drop([kept, other])
    for file in tmp_path.iterdir():
        file.unlink()
    for digest in (kept, other):
        with pytest.raises(UnknownRestriction):
            held.get(digest)
