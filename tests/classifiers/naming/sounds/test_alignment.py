from __future__ import annotations

import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.naming.sounds.alignment import NameIndex, Stream, cost_per_letter
from classifiers.naming.sounds.graphemes import costs, graphemes
from classifiers.naming.sounds.phonemes import PHONEMES

NAMES = ["Stephen King", "Stephen Hawking", "Carmen Montenegro", "Ada Li"]


def stream(sounds: str, limit: float = 0.2) -> Stream:
    """Return words separated by spaces as a stream in an alphabetic script."""
    codes = np.array([PHONEMES.index(sound) for sound in sounds], np.int8)
    bounds, place = [], 0
    for number, word in enumerate(sounds.split(" ")):
        bounds += [(place, 1, 0, number), (place + len(word), 0, 1, number)]
        place += len(word) + 1
    return Stream(codes, np.array(bounds, np.int32), 0, limit, 6)


def found(index: NameIndex, sounds: str) -> set[str]:
    return {NAMES[name] for name, _, _, _ in index.find(stream(sounds))}


def test_names_are_found_between_other_words() -> None:
    index = NameIndex([graphemes(name) for name in NAMES])
    [(name, cost, start, end)] = index.find(stream("gde rodilas karmen montenegro vCera"))
    assert (NAMES[name], start, end) == ("Carmen Montenegro", 12, 29)
    assert 0 <= cost < 0.1


def test_each_word_must_be_alike() -> None:
    index = NameIndex([graphemes(name) for name in NAMES])
    assert found(index, "stiven kiN") == {"Stephen King"}
    assert found(index, "stiven hokiN") == {"Stephen Hawking"}
    assert found(index, "stiven") == set()
    assert found(index, "karmen") == set()


def test_a_name_of_few_consonants_is_not_searched_for() -> None:
    assert found(NameIndex([graphemes(name) for name in NAMES]), "ada li") == set()


def test_no_names_and_no_sounds() -> None:
    assert NameIndex([]).find(stream("karmen montenegro")) == []
    assert NameIndex([()]).find(stream("karmen montenegro")) == []
    assert found(NameIndex([graphemes(name) for name in NAMES]), "a") == set()


def test_many_names_do_not_hide_one() -> None:
    rng = random.Random(3)
    names = ["".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(rng.randint(3, 5))) for _ in range(4000)]
    many = [f"{first} {last}" for first, last in zip(names[::2], names[1::2], strict=True)]
    index = NameIndex([graphemes(name) for name in [*many, "Carmen Montenegro"]])
    text = stream("gde rodilas karmen montenegro")
    started = time.perf_counter()
    assert len(many) in {name for name, _, _, _ in index.find(text)}
    assert time.perf_counter() - started < 1


def test_a_single_word_of_few_consonants_must_be_heard_exactly() -> None:
    index = NameIndex([graphemes("Samsung")])
    assert [cost for _, cost, _, _ in index.find(stream("telefon samsuN galaksi"))] in ([0.0], [])
    assert index.find(stream("telefon simsun galaksi")) == []


def slow_cost(name: str, sounds: str) -> float:
    """Return the least cost of `cost_per_letter` by the textbook's table, for each run of words."""
    letters, words = graphemes(name), sounds.split(" ")
    replaced, missing, added = (table[0] for table in costs())
    runs = [" ".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, min(len(words), i + name.count(" ") + 2) + 1)]
    least = 1.0
    for run in runs:
        codes = [PHONEMES.index(sound) for sound in run]
        table = np.zeros((len(letters) + 1, len(codes) + 1))
        table[0, 1:] = np.cumsum([added[code] for code in codes])
        for row, letter in enumerate(letters, 1):
            table[row, 0] = table[row - 1, 0] + missing[letter]
            for column, code in enumerate(codes, 1):
                both = 0.0 if letter == 0 and code == 0 else float(replaced[letter, code])
                ways = (
                    table[row - 1, column - 1] + both,
                    table[row - 1, column] + missing[letter],
                    table[row, column - 1] + added[code],
                )
                table[row, column] = min(ways)
        least = min(least, float(table[-1, -1]) / len(letters))
    return least


@settings(deadline=None)
@given(
    st.sampled_from(["Ada Li", "Oasis", "Carmen Montenegro", "Up", "Kirk"]),
    st.lists(st.text("abdekilmnorstv", min_size=1, max_size=9), min_size=1, max_size=4),
)
def test_the_cost_of_a_name_is_that_of_the_slow_table(name: str, words: list[str]) -> None:
    sounds = " ".join(words)
    assert cost_per_letter(graphemes(name), [stream(sounds)], 1.0) == pytest.approx(slow_cost(name, sounds), abs=1e-5)


def test_a_short_name_has_a_cost_and_no_letters_the_most() -> None:
    assert cost_per_letter(graphemes("Ada Li"), [stream("kto ada li")], 1.0) < 0.05
    assert cost_per_letter(graphemes("Ada Li"), [stream("gde rodilas karmen")], 0.15) == pytest.approx(0.15)
    assert cost_per_letter((), [stream("ada")], 0.15) == 0.15
    assert cost_per_letter(graphemes("Ada Li"), [], 0.15) == pytest.approx(0.15)
