"""Word vectors: each whole word is encoded once and kept on disk, and a file that is not sound is made again."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from guard import mapped
from guard.errors import RestrictionError
from guard.meaning import wordvectors as module
from guard.meaning.wordvectors import WholeWords, WordVectors
from guard.tokens.vocabulary import Vocabulary
from tests.guard.meaning.encoders import Bigrams

TOKENS = [b" phy", b"sic", b"ian", b" physician", b"ians and", b"physician", b" ", b"s", b".", b" house", b" chat and anchor"]


def test_the_second_time_nothing_is_encoded(tmp_path: Path) -> None:
    vocabulary, encode = Vocabulary.of(TOKENS), Bigrams()
    told: list[tuple[int, int]] = []
    first = WordVectors.cached(tmp_path, vocabulary, encode, "fake", batch=1, progress=lambda *at: told.append(at))
    assert sorted(word for call in encode.calls for word in call) == list(first.tokens.words) == ["house", "phy", "physician"]
    assert told == [(1, 3), (2, 3), (3, 3)]
    encode.calls.clear()
    second = WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    assert encode.calls == []
    np.testing.assert_array_equal(second.vectors, first.vectors)
    assert second.vectors.dtype == np.float32
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_whole_words_are_the_tokens_that_are_one_word() -> None:
    tokens = [b" Tea,", b"tea", b" the", b" 42nd", b" ab", b" two words", b" tea\xe2", b"piece", None, b" cake"]
    found = WholeWords.of(Vocabulary.of(tokens))
    assert found.words == ("cake", "tea")
    assert (found.spaced.tolist(), found.spaced_row.tolist()) == ([0, 9], [1, 0])
    assert (found.bare.tolist(), found.bare_row.tolist()) == ([1], [1])


def test_words_are_encoded_once_however_many_tokens_they_have() -> None:
    encode = Bigrams()
    vectors = WordVectors.of(WholeWords.of(Vocabulary.of([b" Tea", b" tea", b"TEA", b" TEA,", b" cake"])), encode, "fake")
    assert encode.calls == [["cake", "tea"]]
    assert vectors.tokens.spaced.tolist() == [0, 1, 3, 4]
    assert vectors.tokens.spaced_row.tolist() == [1, 1, 1, 0]
    assert (vectors.tokens.bare.tolist(), vectors.tokens.bare_row.tolist()) == ([2], [1])


def test_another_encoder_or_vocabulary_has_a_file_of_its_own(tmp_path: Path) -> None:
    vocabulary, encode = Vocabulary.of(TOKENS), Bigrams()
    WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    WordVectors.cached(tmp_path, vocabulary, encode, "fake 2")
    WordVectors.cached(tmp_path, Vocabulary.of([*TOKENS, b" tea"]), encode, "fake")
    assert len(encode.calls) == len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-7],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content.replace(b"physician", b"physicist"),
        lambda content: content.replace(b'"format":"1"', b'"format":"0"'),
        lambda content: b"something else",
    ],
    ids=["empty", "truncated", "a changed bit", "another word", "another format", "another file"],
)
def test_a_damaged_file_is_made_again(tmp_path: Path, damage: object, caplog: pytest.LogCaptureFixture) -> None:
    vocabulary, encode = Vocabulary.of(TOKENS), Bigrams()
    first = WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    (path,) = tmp_path.iterdir()
    sound = path.read_bytes()
    damaged = damage(sound)  # type: ignore[operator]
    assert damaged != sound
    path.write_bytes(damaged)
    encode.calls.clear()
    again = WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    assert len(encode.calls) == 1
    np.testing.assert_array_equal(again.vectors, first.vectors)
    assert "computed again" in caplog.text
    WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    assert len(encode.calls) == 1


def test_a_file_of_other_words_under_this_name_is_made_again(tmp_path: Path) -> None:
    one, other, encode = Vocabulary.of(TOKENS), Vocabulary.of([b" tea"]), Bigrams()
    WordVectors.cached(tmp_path, other, encode, "fake")
    (path,) = tmp_path.iterdir()
    path.rename(tmp_path / (module.cache_key(one, "fake") + module.SUFFIX))
    assert WordVectors.cached(tmp_path, one, encode, "fake").tokens.words == ("house", "phy", "physician")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        WordVectors.cached(tmp_path, Vocabulary.of(TOKENS), Bigrams(), "fake")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0])
def test_word_vectors_must_be_unit_rows(tmp_path: Path, bad: float) -> None:
    with pytest.raises(RestrictionError):
        WordVectors.cached(tmp_path, Vocabulary.of(TOKENS), lambda texts: np.full((len(texts), 4), bad, np.float32), "fake")
    assert list(tmp_path.iterdir()) == []


def test_stored_vectors_need_no_encoder(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of(TOKENS)
    with pytest.raises(RestrictionError, match="no word vectors"):
        WordVectors.stored(tmp_path, vocabulary, "fake")
    made = WordVectors.cached(tmp_path, vocabulary, Bigrams(), "fake")
    np.testing.assert_array_equal(WordVectors.stored(tmp_path, vocabulary, "fake").vectors, made.vectors)


def test_a_word_s_row() -> None:
    vectors = WordVectors.of(WholeWords.of(Vocabulary.of(TOKENS)), Bigrams(), "fake")
    assert vectors.row == {"house": 0, "phy": 1, "physician": 2}


def test_an_encoder_without_a_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="encoder"):
        WordVectors.of(WholeWords.of(Vocabulary.of(TOKENS)), Bigrams(), "")
