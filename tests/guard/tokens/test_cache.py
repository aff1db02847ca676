"""The cache: what comes from disk is what was built, and nothing that is broken or stale comes from there."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from guard import mapped
from guard.errors import VocabularyError
from guard.tokens import cache as module
from guard.tokens.cache import SUFFIX, VocabularyCache, digest_of
from guard.tokens.vocabulary import Vocabulary

TOKENS = [None, b" Potter", b"\xc3", b"\xa9", b"", None, " Zürich".encode()]


class Builder:
    """A tokenizer's reader that counts how often it is asked."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self, description: str, size: int | None) -> Vocabulary:
        self.built += 1
        if description == "broken":
            raise VocabularyError("broken")
        return Vocabulary.of([*TOKENS, description.encode()], size)


def test_what_is_loaded_is_what_was_built(tmp_path: Path) -> None:
    build = Builder()
    folder = tmp_path / "made" / "when needed"
    built, loaded = (VocabularyCache(folder).get("x", 9, build) for _ in range(2))
    assert build.built == 1
    assert list(loaded.raw) == list(built.raw)
    assert list(loaded.folded) == list(built.folded)
    assert loaded.special == built.special == {0, 5}
    assert loaded.cut == built.cut
    for name in ("text", "start", "order", "continuing"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(built, name))
    assert (loaded.empty, loaded.dotted) == (built.empty, built.dotted)
    (path,) = folder.iterdir()
    assert path.name.endswith(SUFFIX)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_tokens(tmp_path: Path) -> None:
    for _ in range(2):
        assert len(VocabularyCache(tmp_path).get("", None, lambda *_: Vocabulary.of([]))) == 0


def test_another_description_size_or_code_is_another_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build, cache = Builder(), VocabularyCache(tmp_path)
    for description, size in [("x", 9), ("y", 9), ("x", 8), ("x", None), ("x", 9)]:
        assert cache.get(description, size, build).raw[len(TOKENS)] == description.encode()
    assert build.built == 4
    monkeypatch.setattr(module, "_code", lambda: "later")
    cache.get("x", 9, build)
    assert build.built == 5


@pytest.mark.parametrize("at", [0, 9, -1, -20, -200])
def test_a_file_that_was_changed_is_written_anew(tmp_path: Path, at: int) -> None:
    build, cache = Builder(), VocabularyCache(tmp_path)
    cache.get("x", 9, build)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert cache.get("x", 9, build).raw[1] == b" Potter"
    path.write_bytes(content[:at])
    cache.get("x", 9, build)
    assert build.built == 3
    cache.get("x", 9, build)
    assert build.built == 3


def test_what_cannot_be_built_or_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = VocabularyCache(tmp_path)
    with pytest.raises(VocabularyError):
        cache.get("broken", None, Builder())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        cache.get("x", None, Builder())
    assert list(tmp_path.iterdir()) == []


def test_the_digest_of_a_vocabulary_tells_it_from_any_other() -> None:
    made = Vocabulary.of(TOKENS, 9)
    assert digest_of(made) == digest_of(Vocabulary.of(TOKENS, 9))
    others = [Vocabulary.of(TOKENS, 10), Vocabulary.of([*TOKENS[:-1], b" Zurich"], 9), Vocabulary.of([b"", *TOKENS[1:]], 9)]
    assert len({digest_of(each) for each in (made, *others)}) == 4
