"""Embedding matching: the fast form against a slow one on strings, the thresholds, and what is kept between calls and on disk."""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.meaning.encoder import SentenceEncoder
from guard import mapped, reference
from guard.ban import Ban
from guard.errors import CorruptRestriction, PhraseError, RestrictionError
from guard.folding import fold
from guard.meaning import anchors as anchors_module
from guard.meaning import wordvectors as wordvectors_module
from guard.meaning.anchors import MAX_WORD, Anchors, Vectors, content_words, exempt
from guard.meaning.semantic import SemanticCursor, SemanticMasks
from guard.meaning.wordvectors import WholeWords, WordVectors
from guard.stopwords import STOP_WORDS
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies


class Bigrams:
    """A deterministic encoder: each pair of neighbouring characters is hashed to one of 16 places; words alike are near."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        counts = np.zeros((len(texts), 16), np.float32)
        for row, text in enumerate(texts):
            for pair in itertools.pairwise(f"^{text}$"):
                counts[row, hashlib.sha256("".join(pair).encode()).digest()[0] % 16] += 1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


class Table:
    """An encoder of a few words at chosen cosines to "anchor"; all others are at right angles to it."""

    def __init__(self, **cosines: float) -> None:
        self.cosines = {"anchor": 1.0, **cosines}
        self.calls: list[list[str]] = []

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        return np.array([(c := self.cosines.get(t, 0.0), math.sqrt(1 - c * c)) for t in texts], np.float32)


def costs(*bans: Ban) -> dict[int, float]:
    """Return token id -> highest penalty."""
    penalties: dict[int, float] = {}
    for ban in bans:
        for token in ban.ids:
            penalties[int(token)] = math.inf
        for token, penalty in zip(ban.soft, ban.penalties, strict=True):
            penalties[int(token)] = max(penalties.get(int(token), 0.0), float(penalty))
    return penalties


def made(tokens: Sequence[bytes | None], anchors: Anchors, encode: Table | Bigrams, **options: object) -> SemanticMasks:
    vocabulary = Vocabulary.of(tokens)
    return SemanticMasks(anchors, WordVectors.of(vocabulary, encode, "fake"), vocabulary, encode, **options)  # type: ignore[arg-type]


# The slow reference.


def slow_words(said: Sequence[bytes], token: bytes) -> list[str]:
    """The words of the whole text that end behind what was said before, less the exempt ones."""
    before, after = reference.folded_stream(said), reference.folded_stream([*said, token])
    words = [m[0] for m in re.finditer("[^ ]+", after) if m.end() > len(before)]
    return [
        w
        for w in words
        if w not in STOP_WORDS and sum(c.isalpha() for c in w) >= 3 and not any(c.isnumeric() for c in w) and len(w) <= MAX_WORD
    ]


@functools.cache
def slow_cost(word: str, anchors: tuple[str, ...], delta: float, floor: float, weight: float) -> float:
    vector = Bigrams()([word])[0].tolist()
    cosine = max(sum(x * y for x, y in zip(vector, row, strict=True)) for row in Bigrams()(anchors).tolist())
    if cosine >= delta:
        return math.inf
    return max(0.0, weight * (cosine - floor) / (delta - floor))


@st.composite
def word_vocabularies(draw: st.DrawFn) -> list[bytes | None]:
    """The vocabularies that exact matching is tested with, and some whole words."""
    words = draw(st.lists(st.text("abéß1", min_size=2, max_size=5), max_size=12))
    spaces = draw(st.lists(st.sampled_from([" {}", "{}", " {} ", "-{}", " {} {}"]), min_size=len(words), max_size=len(words)))
    whole = [form.format(word, word[::-1]).encode() for form, word in zip(spaces, words, strict=True)]
    return [*draw(strategies.vocabularies()), *whole]


@settings(max_examples=200, deadline=None)
@given(word_vocabularies(), st.lists(st.text("abß", min_size=3, max_size=6), min_size=1, max_size=3), st.data())
def test_tokens_cost_what_the_reference_says(tokens: list[bytes | None], words: list[str], data: st.DataObject) -> None:
    # Thresholds at which no cosine of two counts lies, so that rounding decides nothing.
    delta, floor, weight = 0.7001234, 0.4001234, 6.0
    encode = Bigrams()
    masks = made(tokens, Anchors.of(words, encode, encoder="fake", delta=delta, floor=floor, weight=weight), encode)
    anchors = tuple({fold(word) for word in words})
    ids = range(-1, len(tokens) + 1)
    prompt = data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=8))
    special = [at for at, token in enumerate(prompt) if tokens[token] is None]
    said = [tokens[t] or b"" for t in prompt[special[-1] + 1 if special else 0 :]]
    cursor = SemanticCursor(masks, prompt)
    for token in [*data.draw(st.lists(st.integers(0, len(tokens) - 1), max_size=8)), -1]:
        expected = {}
        for t, raw in enumerate(tokens):
            cost = max((slow_cost(w, anchors, delta, floor, weight) for w in slow_words(said, raw or b"")), default=0.0)
            if cost > 1e-4:
                expected[t] = pytest.approx(cost, abs=1e-4)
        finished = cursor.finishing(list(ids), budget=1000)
        assert finished.skipped == 0
        assert {t: c for t, c in costs(finished.ban).items() if c > 1e-4} == expected
        # What needs no encoder says the same, of all whole words and of nothing else.
        whole = costs(*cursor.bans())
        at_word_start = reference.folded_stream([*said, b"a"]).endswith(" a")
        known = set(masks._wordvectors.tokens.spaced.tolist())
        known |= set(masks._wordvectors.tokens.bare.tolist()) if at_word_start else set()
        assert {t: c for t, c in whole.items() if c > 1e-4} == {t: c for t, c in expected.items() if t in known}
        cursor.extend([token])
        said.append((tokens[token] or b"") if token >= 0 else b"")


# Thresholds.


@pytest.mark.parametrize(
    ("cosine", "cost"),
    [(1.0, math.inf), (0.5, math.inf), (0.4375, 6.0), (0.375, 4.0), (0.25, 0.0), (0.125, 0.0), (-1.0, 0.0)],
    ids=["the anchor", "at delta", "nearer to delta", "half way", "at floor", "below", "opposite"],
)
def test_thresholds(cosine: float, cost: float) -> None:
    encode = Table(candidate=cosine)
    masks = made(
        [b" candidate", b" other"], Anchors.of(["anchor"], encode, encoder="fake", delta=0.5, floor=0.25, weight=8), encode
    )
    assert costs(masks.ban) == ({0: cost} if cost else {})
    assert masks.ban.ids.dtype == masks.ban.soft.dtype == np.int64
    assert masks.ban.penalties.dtype == np.float32


def test_the_nearest_of_many_anchors_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors_module, "_BLOCK", 2)
    encode = Bigrams()
    words = ["alpha", "bravo", "charlie", "delta", "echo"]
    together = Anchors.of(words, encode, encoder="fake", delta=0.7, floor=0.1)
    vectors = encode(["alpine", "ravoli", "charles", "echoes", "zzz"])
    apart = [Anchors.of([w], encode, encoder="fake", delta=0.7, floor=0.1).penalties(vectors) for w in words]
    np.testing.assert_allclose(together.penalties(vectors), np.max(apart, axis=0), rtol=1e-5)


@pytest.mark.parametrize("word", ["the", "would", "don", "42nd", "1984", "ab", "é", "", "哈", "a" * (MAX_WORD + 1), "x٣yz", "क्ष"])
def test_exempt_words(word: str) -> None:
    assert exempt(word)


@pytest.mark.parametrize("word", ["doctor", "cat", "врач", "ärzte", "a" * MAX_WORD])
def test_words_that_are_compared(word: str) -> None:
    assert not exempt(word)


def test_stop_words_are_folded_and_long_enough_to_matter() -> None:
    assert all(word == fold(word) and len(word) >= 3 for word in STOP_WORDS)
    assert len(STOP_WORDS) > 200


def test_content_words() -> None:
    assert content_words("The Doctor's house, No. 42: a DOCTOR in Taipei!") == ["doctor", "house", "taipei"]


def test_exempt_tokens_have_no_vector() -> None:
    encode = Table()
    tokens = [
        b" anchor",
        b" Anchor,",
        b"anchor",
        b" the",
        b" 42nd",
        b" ab",
        b" two words",
        b"anchor\xe2",
        b"piece",
        None,
        b" \xe5\x93\x88",
    ]
    found = WholeWords.of(Vocabulary.of(tokens))
    assert found.words == ("anchor",)
    assert found.spaced.tolist() == [0, 1]
    assert found.bare.tolist() == [2]
    # A word near the anchor by its vector alone is let pass if it is exempt.
    encode.cosines |= {"the": 1.0, "42nd": 1.0, "ab": 1.0}
    masks = made(tokens, Anchors.of(["anchor"], encode, encoder="fake"), encode)
    assert costs(masks.ban) == {0: math.inf, 1: math.inf}
    assert costs(masks.bare) == {2: math.inf}
    # A token that ends inside a character says the word before it, as it stands.
    assert costs(masks.finishing("", range(11)).ban) == dict.fromkeys([0, 1, 2, 7], math.inf)


# Words over several tokens.


TOKENS = [b" phy", b"sic", b"ian", b" physician", b"ians and", b"physician", b" ", b"s", b".", b" house", b" chat and anchor"]


def a_cursor(budget: int = 16, **cosines: float) -> tuple[SemanticCursor, SemanticMasks, Table]:
    encode = Table(**cosines)
    masks = made(TOKENS, Anchors.of(["anchor"], encode, encoder="fake", delta=0.5, floor=0.25, weight=8), encode)
    encode.calls.clear()
    return SemanticCursor(masks), masks, encode


def test_a_word_over_several_tokens_is_judged_where_it_ends_or_might_end() -> None:
    cursor, masks, _ = a_cursor(physician=1.0, physicians=0.375, physic=0.3125)
    every = list(range(len(TOKENS)))
    assert costs(*cursor.bans()) == {3: math.inf, 5: math.inf}
    assert costs(cursor.finishing(every).ban) == {3: math.inf, 5: math.inf, 10: math.inf}
    cursor.extend([0])
    assert cursor.word == "phy"
    assert costs(*cursor.bans()) == {3: math.inf}
    assert costs(cursor.finishing(every).ban) == {1: pytest.approx(2.0), 3: math.inf, 10: math.inf}
    cursor.extend([1])
    assert costs(cursor.finishing(every).ban) == {2: math.inf, 3: math.inf, 4: pytest.approx(4.0), 10: math.inf}
    # Only candidates are judged.
    assert costs(cursor.finishing([9, 4]).ban) == {4: pytest.approx(4.0)}
    cursor.extend([2])
    # "physician" has been said: to end it is not judged again, to go on to "physicians" is.
    assert costs(cursor.finishing([6, 8, 9]).ban) == {}
    assert costs(cursor.finishing([7]).ban) == {7: pytest.approx(4.0)}
    cursor.extend([8])
    assert cursor.word == ""
    assert costs(*cursor.bans()) == {3: math.inf, 5: math.inf}
    assert masks.ban.ids.tolist() == [3]


def test_each_word_is_encoded_once() -> None:
    cursor, masks, encode = a_cursor()
    cursor.extend([0])
    first = cursor.finishing([1, 2, 9, 3])
    assert (first.encoded, first.skipped) == (2, 0)
    assert encode.calls == [["physic", "phyian"]]  # in one call; whole words have their vector already
    assert (masks.hits, masks.misses) == (0, 2)
    again = cursor.finishing([2, 1])
    assert (again.encoded, again.skipped) == (0, 0)
    assert (masks.hits, masks.misses) == (2, 2)
    assert len(encode.calls) == 1


def test_the_budget_is_kept_and_what_it_leaves_is_told() -> None:
    cursor, _, encode = a_cursor(physic=1.0, phyian=1.0)
    cursor.extend([0])
    part = cursor.finishing([1, 2, 7], budget=1)
    assert (part.encoded, part.skipped) == (1, 2)
    assert costs(part.ban) == {1: math.inf}
    rest = cursor.finishing([1, 2, 7], budget=5)
    assert (rest.encoded, rest.skipped) == (2, 0)
    assert costs(rest.ban) == {1: math.inf, 2: math.inf}
    assert encode.calls == [["physic"], ["phyian", "phys"]]


def test_the_least_recently_used_words_go_first() -> None:
    encode = Table(xbb=1.0)
    masks = made([b"bb", b"cc", b"dd"], Anchors.of(["anchor"], encode, encoder="fake"), encode, capacity=2)
    encode.calls.clear()
    for token, encoded in [(0, 1), (1, 1), (0, 0), (2, 1), (0, 0), (1, 1)]:
        assert masks.finishing("x", [token]).encoded == encoded
    # More words in one call than are kept: all are judged.
    assert costs(masks.finishing("x", [0, 1, 2]).ban) == {0: math.inf}


def test_without_an_encoder_unknown_words_are_skipped_and_known_ones_judged() -> None:
    encode = Table(physic=1.0)
    vocabulary = Vocabulary.of(TOKENS)
    anchors = Anchors.of(["anchor", "physician"], encode, encoder="fake")
    masks = SemanticMasks(anchors, WordVectors.of(vocabulary, encode, "fake"), vocabulary)
    result = masks.finishing("phy", [1, 3])
    assert (result.encoded, result.skipped) == (0, 1)
    assert costs(result.ban) == {3: math.inf}
    assert costs(masks.finishing("physic", [2]).ban) == {2: math.inf}


def test_words_can_be_learnt_for_a_whole_batch_at_once() -> None:
    cursor, masks, encode = a_cursor(physic=1.0)
    cursor.extend([0])
    assert cursor.unknown([1, 2, 2, 3, 8]) == ["physic", "phyian"]
    learnt = masks.learn(["physic", "phyian"], encode(["physic", "phyian"]))
    assert learnt == {"physic": math.inf, "phyian": 0.0}
    assert cursor.unknown([1, 2, 3]) == []
    assert costs(cursor.finishing([1, 2], budget=0).ban) == {1: math.inf}
    with pytest.raises(RestrictionError, match="1 vectors for 2 words"):
        masks.learn(["physic", "phyian"], encode(["physic"]))


def test_a_word_that_is_too_long_is_held_in_bounds_and_not_compared() -> None:
    encode = Table(**{"s" * (MAX_WORD + 1): 1.0, "s" * MAX_WORD: 1.0})
    masks = made([b"s", b" ", "é".encode()], Anchors.of(["anchor"], encode, encoder="fake"), encode)
    cursor = SemanticCursor(masks, [0] * (MAX_WORD - 1))
    assert costs(cursor.finishing([0]).ban) == {0: math.inf}
    cursor.extend([0])
    assert costs(cursor.finishing([0]).ban) == {}
    cursor.extend([0] * 1000)
    assert len(cursor.word) == MAX_WORD + 1
    assert SemanticCursor(masks, [0] * 1000).word == cursor.word
    assert SemanticCursor(masks, [1] + [2] * 1000).word == "e" * (MAX_WORD + 1)


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.full((1, 2), np.nan, np.float32), "not finite"),
        (np.full((1, 2), 3, np.float32), "length one"),
        (np.ones((1, 3), np.float32) / math.sqrt(3), "shape"),
        (np.ones((2, 2), np.float32) / math.sqrt(2), "2 vectors for 1"),
        (np.array([[1.0, 0.0]]), "float64"),
    ],
    ids=["nan", "not unit", "another length", "too many", "another type"],
)
def test_an_encoder_that_goes_wrong_while_generating_is_an_error(vectors: Vectors, message: str) -> None:
    table = Table()
    vocabulary = Vocabulary.of(TOKENS)
    word_vectors = WordVectors.of(vocabulary, table, "fake")
    masks = SemanticMasks(Anchors.of(["anchor"], table, encoder="fake"), word_vectors, vocabulary, lambda _: vectors)
    with pytest.raises(RestrictionError, match=message):
        masks.finishing("phy", [1])


# Anchors.


def test_anchors_are_folded_once_each_and_in_order() -> None:
    encode = Bigrams()
    anchors = Anchors.of(["Physician", "Taipei ", "physician", "general  practitioner"], encode, encoder="fake")
    assert anchors.words == ("general practitioner", "physician", "taipei")
    assert encode.calls == [list(anchors.words)]
    with pytest.raises(ValueError):
        anchors.vectors[0, 0] = 0


def test_what_is_stored_is_what_is_read() -> None:
    anchors = Anchors.of(["Física", "доктор", "tea"], Bigrams(), encoder="fake", delta=0.61, floor=0.1, weight=3.3)
    arrays, metadata = anchors.to_arrays()
    assert {name: (a.dtype.str, a.ndim) for name, a in arrays.items()} == {
        "anchor_vectors": ("<f4", 2),
        "anchor_words": ("|u1", 1),
    }
    assert all(isinstance(value, str) for value in metadata.values())
    read = Anchors.from_arrays(arrays, metadata)
    assert (read.words, read.encoder, read.delta, read.floor, read.weight) == (anchors.words, "fake", 0.61, 0.1, 3.3)
    np.testing.assert_array_equal(read.vectors, anchors.vectors)


@pytest.mark.parametrize(
    "change",
    [
        {"anchor_vectors": None},
        {"anchor_words": None},
        {"anchor_delta": None},
        {"anchor_encoder": None},
        {"anchor_encoder": ""},
        {"anchor_delta": "none"},
        {"anchor_delta": "nan"},
        {"anchor_weight": "inf"},
        {"anchor_floor": "0.9"},
        {"anchor_vectors": np.full((2, 16), np.nan, np.float32)},
        {"anchor_vectors": np.zeros((2, 16), np.float32)},
        {"anchor_vectors": np.eye(3, 16, dtype=np.float32)},
        {"anchor_vectors": np.eye(2, 16)},
        {"anchor_words": np.frombuffer(b"tea\ncake", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\ncake", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\nTea", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\n\xff", np.uint8)},
        {"anchor_words": np.frombuffer(b"cake\nthe", np.uint8)},
    ],
)
def test_anchors_that_were_changed_are_an_error(change: dict[str, object]) -> None:
    arrays, metadata = Anchors.of(["cake", "tea"], Bigrams(), encoder="fake").to_arrays()
    content = {**arrays, **metadata, **change}
    content = {name: value for name, value in content.items() if value is not None}
    with pytest.raises(CorruptRestriction):
        Anchors.from_arrays(content, content)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delta": 0.3, "floor": 0.3}, "floor < delta"),
        ({"delta": 0.3, "floor": 0.5}, "floor < delta"),
        ({"delta": 0.5, "floor": 0.5 - 1e-12}, "floor < delta"),
        ({"delta": 1.0}, "floor < delta"),
        ({"floor": -0.1}, "floor < delta"),
        ({"delta": math.nan}, "floor < delta"),
        ({"weight": 0.0}, "weight"),
        ({"weight": math.inf}, "weight"),
        ({"weight": math.nan}, "weight"),
        ({"encoder": ""}, "name of their encoder"),
    ],
)
def test_settings_that_make_no_sense(options: dict[str, object], message: str) -> None:
    with pytest.raises(PhraseError, match=message):
        Anchors.of(["tea"], Bigrams(), **{"encoder": "fake", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "index"), [(["tea", "The"], 1), (["--"], 0), (["1984", "tea"], 0), (["tea", "Tom", "of a"], 2)]
)
def test_words_that_cannot_be_anchors_are_named(words: list[str], index: int) -> None:
    with pytest.raises(PhraseError) as error:
        Anchors.of(words, Bigrams(), encoder="fake")
    assert error.value.index == index


def test_no_anchors_and_an_encoder_that_knows_nothing() -> None:
    with pytest.raises(PhraseError, match="no anchors"):
        Anchors.of([], Bigrams(), encoder="fake")
    with pytest.raises(PhraseError, match="no vector") as error:
        Anchors.of(["tea"], lambda texts: np.zeros((len(texts), 4), np.float32), encoder="fake")
    assert error.value.index == 0


def test_vectors_of_two_encoders_are_not_compared() -> None:
    vocabulary = Vocabulary.of(TOKENS)
    vectors = WordVectors.of(vocabulary, Bigrams(), "one")
    with pytest.raises(RestrictionError, match="made by 'two'"):
        SemanticMasks(Anchors.of(["tea"], Bigrams(), encoder="two"), vectors, vocabulary)
    with pytest.raises(RestrictionError, match="length 2"):
        SemanticMasks(Anchors.of(["tea"], Table(), encoder="one"), vectors, vocabulary)


# Word vectors on disk.


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


def test_words_are_encoded_once_however_many_tokens_they_have() -> None:
    encode = Bigrams()
    vectors = WordVectors.of(Vocabulary.of([b" Tea", b" tea", b"TEA", b" TEA,", b" cake"]), encode, "fake")
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
    path.rename(tmp_path / (wordvectors_module.cache_key(one, "fake") + wordvectors_module.SUFFIX))
    assert WordVectors.cached(tmp_path, one, encode, "fake").tokens.words == ("house", "phy", "physician")


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mapped.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        WordVectors.cached(tmp_path, Vocabulary.of(TOKENS), Bigrams(), "fake")
    assert list(tmp_path.iterdir()) == []


def test_a_vocabulary_without_whole_words(tmp_path: Path) -> None:
    vocabulary, encode = Vocabulary.of([b"a", b"b", b"c", b" "]), Bigrams()
    for _ in range(2):
        vectors = WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    assert encode.calls == []
    masks = SemanticMasks(Anchors.of(["abc"], encode, encoder="fake"), vectors, vocabulary, encode)
    assert SemanticCursor(masks).bans() == ()
    assert costs(masks.finishing("ab", [0, 1, 2, 3]).ban)[2] == math.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf, 2.0])
def test_word_vectors_must_be_unit_rows(tmp_path: Path, bad: float) -> None:
    with pytest.raises(RestrictionError):
        WordVectors.cached(tmp_path, Vocabulary.of(TOKENS), lambda texts: np.full((len(texts), 4), bad, np.float32), "fake")
    assert list(tmp_path.iterdir()) == []


# The real encoder.


def test_what_the_default_encoder_takes_for_near() -> None:
    """Cosines to "physician", all-MiniLM-L6-v2 in bfloat16: doctor 0.86, doctors 0.86, nurse 0.57, hospital 0.53, physics 0.26,
    banana 0.21."""
    encode = SentenceEncoder().encode
    tokens = [b" doctor", b" Doctors,", b" nurse", b" hospital", b" physics", b" banana", b" the", b" doc", b"tors", b"doctor"]
    vocabulary = Vocabulary.of(tokens)
    anchors = Anchors.of(["physician"], encode, encoder="all-MiniLM-L6-v2 bfloat16")
    cursor = SemanticCursor(SemanticMasks(anchors, WordVectors.of(vocabulary, encode, anchors.encoder), vocabulary, encode))
    found = costs(*cursor.bans())
    assert {t for t, cost in found.items() if cost == math.inf} == {0, 1, 9}
    assert 0 < found[3] < found[2] < anchors.weight / 2
    assert not {4, 5, 6} & set(found)
    cursor.extend([7])
    assert costs(cursor.finishing([8, 5, 6]).ban) == {8: math.inf}
