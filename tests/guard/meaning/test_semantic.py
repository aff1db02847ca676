"""Embedding matching: the fast form against a slow one on strings, the thresholds, and what is kept between calls."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.meaning.encoder import SentenceEncoder
from guard import reference
from guard.errors import RestrictionError
from guard.folding import fold
from guard.meaning.anchors import MAX_WORD, Anchors, Encode, Vectors
from guard.meaning.semantic import SemanticCursor, SemanticMasks
from guard.meaning.wordvectors import WholeWords, WordVectors
from guard.stopwords import STOP_WORDS
from guard.tokens.vocabulary import Vocabulary
from tests.guard import strategies
from tests.guard.bans import costs
from tests.guard.meaning.encoders import Bigrams, Table


def made(tokens: Sequence[bytes | None], anchors: Anchors, encode: Encode, capacity: int = 100) -> SemanticMasks:
    vocabulary = Vocabulary.of(tokens)
    return SemanticMasks(anchors, WordVectors.of(WholeWords.of(vocabulary), encode, "fake"), vocabulary, capacity)


def judged(cursor: SemanticCursor, candidates: Sequence[int], encode: Encode) -> dict[int, float]:
    """Learn what the candidates would say, as a Finisher does, and return token id -> penalty."""
    words = cursor.unknown(candidates)
    if words:
        cursor.learn(words, encode(words))
    return costs(cursor.finishing(candidates))


# The slow reference.


def slow_words(said: Sequence[bytes], token: bytes) -> list[str]:
    """The words of the whole text that end behind what was said before, less the exempt ones."""
    before, after = reference.folded_stream(said), reference.folded_stream([*said, token])
    words = [m[0] for m in re.finditer("[^ .]+", after) if m.end() > len(before)]
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
        assert {t: c for t, c in judged(cursor, ids, encode).items() if c > 1e-4} == expected
        # What needs no encoder says the same, of all whole words and of nothing else.
        whole = costs(*cursor.bans())
        at_word_start = reference.folded_stream([*said, b"a"]).endswith((" a", ".a"))
        known = set(masks._wordvectors.tokens.spaced.tolist())
        known |= set(masks._wordvectors.tokens.bare.tolist()) if at_word_start else set()
        assert {t: c for t, c in whole.items() if c > 1e-4} == {t: c for t, c in expected.items() if t in known}
        cursor.extend([token])
        said.append((tokens[token] or b"") if token >= 0 else b"")


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
    assert judged(SemanticCursor(masks), range(11), encode) == dict.fromkeys([0, 1, 2, 7], math.inf)


# Words over several tokens.


TOKENS = [b" phy", b"sic", b"ian", b" physician", b"ians and", b"physician", b" ", b"s", b".", b" house", b" chat and anchor"]


def a_cursor(**cosines: float) -> tuple[SemanticCursor, SemanticMasks, Table]:
    encode = Table(**cosines)
    masks = made(TOKENS, Anchors.of(["anchor"], encode, encoder="fake", delta=0.5, floor=0.25, weight=8), encode)
    encode.calls.clear()
    return SemanticCursor(masks), masks, encode


def test_a_word_over_several_tokens_is_judged_where_it_ends_or_might_end() -> None:
    cursor, masks, encode = a_cursor(physician=1.0, physicians=0.375, physic=0.3125)
    every = list(range(len(TOKENS)))
    assert costs(*cursor.bans()) == {3: math.inf, 5: math.inf}
    assert judged(cursor, every, encode) == {3: math.inf, 5: math.inf, 10: math.inf}
    cursor.extend([0])
    assert cursor.word == "phy"
    assert costs(*cursor.bans()) == {3: math.inf}
    assert judged(cursor, every, encode) == {1: pytest.approx(2.0), 3: math.inf, 10: math.inf}
    cursor.extend([1])
    assert judged(cursor, every, encode) == {2: math.inf, 3: math.inf, 4: pytest.approx(4.0), 10: math.inf}
    # Only candidates are judged.
    assert judged(cursor, [9, 4], encode) == {4: pytest.approx(4.0)}
    cursor.extend([2])
    # "physician" has been said: to end it is not judged again, to go on to "physicians" is.
    assert judged(cursor, [6, 8, 9], encode) == {}
    assert judged(cursor, [7], encode) == {7: pytest.approx(4.0)}
    cursor.extend([8])
    assert cursor.word == ""
    assert costs(*cursor.bans()) == {3: math.inf, 5: math.inf}
    assert masks.ban.ids.tolist() == [3]


def test_each_word_is_asked_for_once() -> None:
    cursor, _, encode = a_cursor()
    cursor.extend([0])
    judged(cursor, [1, 2, 9, 3], encode)
    assert encode.calls == [["physic", "phyian"]]  # in one call; whole words have their vector already
    judged(cursor, [2, 1], encode)
    assert len(encode.calls) == 1


def test_the_least_recently_used_words_go_first() -> None:
    encode = Table(xbb=1.0)
    masks = made([b"x", b"bb", b"cc", b"dd"], Anchors.of(["anchor"], encode, encoder="fake"), encode, capacity=2)
    cursor = SemanticCursor(masks, [0])
    encode.calls.clear()
    for token, asked in [(1, ["xbb"]), (2, ["xcc"]), (1, []), (3, ["xdd"]), (1, []), (2, ["xcc"])]:
        judged(cursor, [token], encode)
        assert encode.calls == ([asked] if asked else [])
        encode.calls.clear()


def test_a_word_that_nobody_has_learnt_is_not_judged_and_a_known_one_is() -> None:
    encode = Table(physic=1.0)
    masks = made(TOKENS, Anchors.of(["anchor", "physician"], encode, encoder="fake"), encode)
    assert costs(masks.finishing("phy", [1, 3])) == {3: math.inf}
    assert costs(masks.finishing("physic", [2])) == {2: math.inf}


def test_words_can_be_learnt_for_a_whole_batch_at_once() -> None:
    cursor, masks, encode = a_cursor(physic=1.0)
    cursor.extend([0])
    assert cursor.unknown([1, 2, 2, 3, 8]) == ["physic", "phyian"]
    masks.learn(["physic", "phyian"], encode(["physic", "phyian"]))
    assert cursor.unknown([1, 2, 3]) == []
    assert costs(cursor.finishing([1, 2])) == {1: math.inf}
    with pytest.raises(RestrictionError, match="1 vectors for 2 words"):
        masks.learn(["physic", "phyian"], encode(["physic"]))


def test_a_word_that_is_too_long_is_held_in_bounds_and_not_compared() -> None:
    encode = Table(**{"s" * (MAX_WORD + 1): 1.0, "s" * MAX_WORD: 1.0})
    masks = made([b"s", b" ", "é".encode()], Anchors.of(["anchor"], encode, encoder="fake"), encode)
    cursor = SemanticCursor(masks, [0] * (MAX_WORD - 1))
    assert judged(cursor, [0], encode) == {0: math.inf}
    cursor.extend([0])
    assert judged(cursor, [0], encode) == {}
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
    masks = made(TOKENS, Anchors.of(["anchor"], Table(), encoder="fake"), Table())
    with pytest.raises(RestrictionError, match=message):
        masks.learn(["physic"], vectors)


def test_vectors_of_two_encoders_are_not_compared() -> None:
    vocabulary = Vocabulary.of(TOKENS)
    vectors = WordVectors.of(WholeWords.of(vocabulary), Bigrams(), "one")
    with pytest.raises(RestrictionError, match="made by 'two'"):
        SemanticMasks(Anchors.of(["tea"], Bigrams(), encoder="two"), vectors, vocabulary)
    with pytest.raises(RestrictionError, match="length 2"):
        SemanticMasks(Anchors.of(["tea"], Table(), encoder="one"), vectors, vocabulary)


def test_a_vocabulary_without_whole_words(tmp_path: Path) -> None:
    vocabulary, encode = Vocabulary.of([b"a", b"b", b"c", b" "]), Bigrams()
    for _ in range(2):
        vectors = WordVectors.cached(tmp_path, vocabulary, encode, "fake")
    assert encode.calls == []
    masks = SemanticMasks(Anchors.of(["abc"], encode, encoder="fake"), vectors, vocabulary)
    assert SemanticCursor(masks).bans() == ()
    assert judged(SemanticCursor(masks, [0, 1]), [0, 1, 2, 3], encode)[2] == math.inf


# The real encoder.


@pytest.mark.slow
def test_what_the_default_encoder_takes_for_near() -> None:
    """Cosines to "physician", all-MiniLM-L6-v2 in bfloat16: doctor 0.86, doctors 0.86, nurse 0.57, hospital 0.53, physics 0.26,
    banana 0.21."""
    encode = SentenceEncoder().encode
    tokens = [b" doctor", b" Doctors,", b" nurse", b" hospital", b" physics", b" banana", b" the", b" doc", b"tors", b"doctor"]
    vocabulary = Vocabulary.of(tokens)
    anchors = Anchors.of(["physician"], encode, encoder="all-MiniLM-L6-v2 bfloat16")
    cursor = SemanticCursor(
        SemanticMasks(anchors, WordVectors.of(WholeWords.of(vocabulary), encode, anchors.encoder), vocabulary)
    )
    found = costs(*cursor.bans())
    assert {t for t, cost in found.items() if cost == math.inf} == {0, 1, 9}
    assert 0 < found[3] < found[2] < anchors.weight / 2
    assert not {4, 5, 6} & set(found)
    cursor.extend([7])
    assert judged(cursor, [8, 5, 6], encode) == {8: math.inf}
