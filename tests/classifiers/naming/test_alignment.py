from __future__ import annotations

import random
import time

import numpy as np

from classifiers.naming.alignment import NameIndex, Stream
from classifiers.naming.graphemes import graphemes
from classifiers.naming.phonemes import PHONEMES

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
