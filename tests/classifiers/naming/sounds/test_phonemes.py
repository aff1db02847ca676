from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifiers.naming.sounds.phonemes import PHONEMES, spoken
from tests.classifiers.naming.table import SCRIPTS, spellings


@pytest.mark.parametrize(
    ("word", "sounds"),
    [
        ("Джексон", "Jekson"),
        ("Τζάκσον", "Jakson"),
        ("Μπαράκ", "barak"),
        ("چرچيل", "CrCyl"),
        ("צ'רצ'יל", "CrCyl"),
        ("킹", "kiN"),
        ("ジョージ", "JoJi"),
        ("ウィリアム", "wiliamu"),
        ("फ़िल्म", "Film"),
        ("बराक", "bArak"),
        ("ჯობსი", "Jobsi"),
        ("Չապլին", "Caplin"),
    ],
)
def test_sounds(word: str, sounds: str) -> None:
    assert spoken(word).sounds == sounds


@pytest.mark.parametrize(
    ("word", "starts", "ends"),
    [
        ("Смитом", (0,), (4, 6)),  # a case ending
        ("والكويتي", (0, 3), (8,)),  # "and the"
        ("포터는", (0,), (4, 7)),  # a particle
        ("Смит", (0,), (4,)),
    ],
)
def test_a_name_may_begin_and_end_inside_a_word(word: str, starts: tuple[int, ...], ends: tuple[int, ...]) -> None:
    said = spoken(word)
    assert (said.starts, said.ends) == (starts, ends)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_word_of_every_script_sounds(script: str) -> None:
    for _, name in spellings(script):
        for word in name.replace("·", " ").replace("・", " ").replace("＝", " ").replace("-", " ").split():
            assert spoken(word).sounds
            assert set(spoken(word).sounds) <= set(PHONEMES)


@settings(deadline=None, max_examples=300)
@given(st.text(min_size=1, max_size=12))
@example("\u03700")
def test_any_word_is_taken(word: str) -> None:
    said = spoken(word)
    assert set(said.sounds) <= set(PHONEMES)
    assert all(0 <= place <= len(said.sounds) for place in said.starts + said.ends)
