from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.proposals.frequency import BackgroundFrequency, joint_zipf, zipf
from guard.folding import fold

texts = st.lists(st.text("abcAB é-.字", max_size=24), max_size=8)


def count_slowly(texts: list[str], words: list[str]) -> int:
    """The reference: a phrase between spaces in each folded text."""
    return sum(f" {' '.join(words)} " in f" {' '.join(fold(text).split())} " for text in texts)


@given(texts, st.lists(st.sampled_from(["a", "b", "c", "ab", "e", "字"]), min_size=1, max_size=4))
def test_the_count_is_that_of_a_search(texts: list[str], words: list[str]) -> None:
    assert BackgroundFrequency(texts).count(words) == count_slowly(texts, words)


@given(texts, st.integers(0, 7))
def test_long_phrases_are_never_counted_too_low(texts: list[str], at: int) -> None:
    for text in texts:
        words = fold(text).split()[at:]
        if words:
            assert BackgroundFrequency(texts).count(words) >= count_slowly(texts, words) >= 1


def test_counts_and_shares_are_of_texts() -> None:
    background = BackgroundFrequency(["Tea, tea and TEA.", "No teapot here", "The Mad Hatter's tea"])
    assert (background.count(["tea"]), background.count(["mad", "hatter"]), background.count(["tea", "the"])) == (2, 1, 0)
    assert background.share(["tea"]) == pytest.approx(2 / 3)
    assert background.count([]) == 0
    empty = BackgroundFrequency([])
    assert (empty.count(["tea"]), empty.share(["tea"])) == (0, 0.0)


def test_zipf_orders_words() -> None:
    assert zipf("the") > zipf("engineer") > zipf("florist") > zipf("glaciologist") > zipf("tholmundardal") == 0.0
    assert zipf("THE") == zipf("the")
    assert zipf("Français", "fr") > 4  # kept with its accent in the list


def test_other_scripts_ask_their_own_list() -> None:
    assert zipf("作家") > 3  # writer
    assert zipf("كاتب") > 3
    assert zipf("писатель") > 3
    assert zipf("قكثصضش") == 0.0


def test_words_in_a_row_are_rarer() -> None:
    assert joint_zipf(["florist"]) == zipf("florist")
    assert joint_zipf(["unseen", "rainbows"]) < 0 < joint_zipf(["new", "book"])


def test_an_unknown_language_is_told() -> None:
    with pytest.raises(LookupError):
        zipf("word", "tlh")
