from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from evaluation.baselines.forbidden import Forbidden, TokenTrie, letters_of
from tests.evaluation.baselines.encoders import equal_words, unlike


def test_the_whole_of_a_sequence_is_covered_wherever_it_stands() -> None:
    trie = TokenTrie([[1, 2, 3], [2, 5], [7]])
    ends: tuple[tuple[int, int], ...] = ()
    covered = []
    for token in [9, 1, 2, 3, 1, 2, 5, 7, 1, 1, 2, 3]:
        ends, share = trie.follow(ends, token)
        covered.append(round(share, 2))
    assert covered == [0, 0.33, 0.67, 1, 0.33, 0.67, 1, 1, 0.33, 0.33, 0.67, 1]
    assert len(trie) == 7


def test_a_sequence_that_begins_another_counts_as_covered() -> None:
    trie = TokenTrie([[1, 2, 3, 4], [1, 2]])
    ends, first = trie.follow((), 1)
    assert (first, trie.follow(ends, 2)[1]) == (0.5, 1.0)


def test_nearness_is_the_largest_cosine_with_a_forbidden_word(tokenizer: PreTrainedTokenizerFast) -> None:
    forbidden = Forbidden.of(["wizard"], tokenizer, equal_words)
    near = forbidden.nearness(["magician", "wizard", "muggle", ""])
    assert near == {"magician": pytest.approx(math.sqrt(0.5)), "wizard": 1.0, "muggle": 0.0}
    assert Forbidden.of([], tokenizer, equal_words).nearness(["wizard"]) == {"wizard": 0.0}


@pytest.mark.parametrize(("word", "letters"), [('"Potter\'s"', "Potters"), ("...", ""), ("naïve,", "naïve")])
def test_letters_of_a_word(word: str, letters: str) -> None:
    assert letters_of(word) == letters


def test_no_word_is_encoded_twice_and_short_ones_are_not_forbidden(tokenizer: PreTrainedTokenizerFast) -> None:
    seen: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        seen.extend(texts)
        return unlike(texts)

    forbidden = Forbidden.of(["The house of Potter", "Potter's house"], tokenizer, encode)
    assert forbidden.words == ["house", "Potter"]
    forbidden.nearness(["owl", "owl", "rat"])
    forbidden.nearness(["rat", "cat"])
    assert seen == ["house", "Potter", "owl", "rat", "cat"]
