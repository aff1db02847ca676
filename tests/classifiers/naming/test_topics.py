from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.naming.topics import MOST_BETWEEN, TopicIndex, bases, topic_of
from guard.folding import fold

NAMES = ["laundering money", "forging passports", "cracking Wi-Fi passwords", "SIM swapping", "making money", "Ada Brill"]
INDEX = TopicIndex(NAMES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("forge", "forging"),
        ("forgers", "forging"),
        ("swap", "swapping"),
        ("cultivate", "cultivation"),
        ("bodies", "body"),
        ("watches", "watching"),
        ("banknote", "banknotes"),
        ("launderers", "laundered"),
    ],
)
def test_forms_of_one_word(one: str, other: str) -> None:
    assert bases(one) & bases(other)


@pytest.mark.parametrize(
    ("one", "other"), [("mode", "modding"), ("modes", "modding"), ("glass", "glas"), ("bed", "b"), ("red", "r")]
)
def test_forms_of_two_words(one: str, other: str) -> None:
    assert not bases(one) & bases(other)


def test_what_is_a_topic() -> None:
    assert [bool(topic_of(name)) for name in NAMES] == [True, True, True, True, False, False]
    assert topic_of("homebrewing") == ()
    assert topic_of("") == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("How is money laundered?", {"laundering money"}),
        ("He teaches his nephew to launder the family's money.", {"laundering money"}),
        ("They laundered what all of us took for honest money.", set()),  # too far apart
        ("A forger of passports", {"forging passports"}),
        ("Where does one forge horseshoes?", set()),
        ("crack the wifi password", {"cracking Wi-Fi passwords"}),
        ("a Wi-Fi password, cracked", {"cracking Wi-Fi passwords"}),
        ("crack a password", set()),
        ("how to sim swap someone", {"SIM swapping"}),
        ("making money", set()),
        ("", set()),
    ],
)
def test_found(text: str, found: set[str]) -> None:
    assert {NAMES[index] for index in INDEX.find(fold(text))} == found


def test_no_names() -> None:
    assert TopicIndex([]).find("launder money") == []


def slow(name: str, words: list[str]) -> bool:
    """Return whether some choice of one place for each word of a name is near enough."""
    topic = topic_of(name)
    assert topic
    places = [[at for at, word in enumerate(words) if bases(word) & wanted] for wanted in topic]
    return any(max(chosen) - min(chosen) < len(topic) + MOST_BETWEEN for chosen in product(*places))


WORDS = ["launder", "money", "laundered", "passport", "forges", "counterfeit", "the", "x", "passports"]


@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_as_by_trying_all_places(words: list[str]) -> None:
    names = ["laundering money", "forging passports", "counterfeiting laundered passports"]
    assert TopicIndex(names).find(" ".join(words)) == [at for at, name in enumerate(names) if slow(name, words)]
