"""The library: loads each restriction once, small ones on the spot, others in the background, and says why one failed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from guard import mapped
from guard.decoding import library as module
from guard.decoding.library import Library
from guard.errors import UnknownRestriction
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary

PHRASES = [
    Phrase("Mad Hatter"),
    Phrase("Hatter", beta=0.6),
    Phrase("tea", scope="gated", penalty=4.0),
    Phrase("Wonder", match="prefix"),
]


def test_a_library_loads_once_and_keeps_nothing_of_what_fails(tmp_path: Path) -> None:
    restriction = Restriction.compile(PHRASES)
    restriction.save(tmp_path)
    library = Library(tmp_path, Vocabulary.of([b"tea", b" tea", b"x"]))
    assert library.masks(restriction.digest) is library.masks(restriction.digest)
    with pytest.raises(UnknownRestriction):
        library.masks("f" * 64)
    assert library.held([restriction.digest, "f" * 64]) == [restriction.digest]
    library.forget(restriction.digest)
    assert library.held([restriction.digest]) == []


def test_a_few_small_ones_are_there_at_once_and_what_fails_is_told(tmp_path: Path) -> None:
    few = [Restriction.compile([Phrase(f"tea party {number}")]) for number in range(3)]
    for restriction in few:
        restriction.save(tmp_path)
    library = Library(tmp_path, Vocabulary.of([b"tea", b" tea", b"x"]))
    digests = [restriction.digest for restriction in few]
    library.request([*digests, "f" * 64])
    assert library.held(digests) == digests
    assert library.collect_failures(["f" * 64]).keys() == {"f" * 64}


def test_loading_in_the_background_publishes_what_is_whole_and_tells_failures_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = Restriction.compile(PHRASES), Restriction.compile(PHRASES[1:])
    good.save(tmp_path)
    path = bad.save(tmp_path)
    path.write_bytes(path.read_bytes()[:-4])
    library = Library(tmp_path, Vocabulary.of([b"tea", b" tea", b"x"]))
    monkeypatch.setattr(module, "_FEW", 0)
    library.request([good.digest, bad.digest, "f" * 64])
    failures: dict[str, str] = {}
    for _ in range(500):
        failures |= library.collect_failures([bad.digest, "f" * 64])
        if len(failures) == 2 and library.held([good.digest]):
            break
        time.sleep(0.01)
    assert library.held([good.digest, bad.digest, "f" * 64]) == [good.digest]
    assert "cannot be read" in failures[bad.digest]
    assert "not stored here" in failures["f" * 64]
    assert library.collect_failures([bad.digest]) == {}


def test_a_small_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restriction = Restriction.compile(PHRASES)
    restriction.save(tmp_path)
    read: list[Path] = []
    load = mapped.load
    monkeypatch.setattr(mapped, "load", lambda path: (read.append(path), load(path))[1])
    library = Library(tmp_path, Vocabulary.of([b" tea"]))
    library.request([restriction.digest])
    assert library.held([restriction.digest]) == [restriction.digest]
    assert len(read) == 1


def test_what_failed_can_be_asked_for_again(tmp_path: Path) -> None:
    restriction = Restriction.compile(PHRASES)
    library = Library(tmp_path, Vocabulary.of([b" tea"]))
    library.request([restriction.digest])
    assert library.collect_failures([restriction.digest]).keys() == {restriction.digest}
    restriction.save(tmp_path)
    library.request([restriction.digest])
    assert library.held([restriction.digest]) == [restriction.digest]
