from __future__ import annotations

from classifiers.proposals.frequency import BackgroundFrequency
from classifiers.proposals.keywords import FEWEST_TEXTS, keywords

ANSWERS = [
    ("What does she write?", "Medical novels, mostly in Lisbon."),
    ("What are they about?", "Doctors, and the medical world of time and medicine."),
    ("Which was the first?", "A medical thriller that took time."),
    ("Is it a medical thriller?", "Yes, a medical thriller."),
]


def innocent(*texts: str) -> BackgroundFrequency:
    return BackgroundFrequency([*texts, *("The bread was good.",) * FEWEST_TEXTS])


def test_a_word_that_several_answers_repeat_is_a_keyword() -> None:
    assert keywords(ANSWERS, innocent()) == {"medical": 0}


def test_a_word_of_the_prompt_does_not_count() -> None:
    assert keywords(ANSWERS[1:], innocent()) == {}


def test_a_word_that_innocent_texts_use_is_none() -> None:
    assert keywords(ANSWERS, innocent("A medical school.", "Medical help.")) == {}
    assert keywords(ANSWERS, innocent("A medical school.")) == {"medical": 0}


def test_without_enough_innocent_texts_there_are_none() -> None:
    assert keywords(ANSWERS, BackgroundFrequency(["The bread was good."] * (FEWEST_TEXTS - 1))) == {}
    assert keywords(ANSWERS, BackgroundFrequency([])) == {}


def test_numbers_and_the_most_common_words_are_none() -> None:
    told = [("When?", f"The people of 1984 said so {n}.") for n in range(5)]
    assert keywords(told, innocent()) == {}
    assert keywords([], innocent()) == {}


def test_accents_and_scripts() -> None:
    told = [("Quoi?", f"Des écoles {n} à Genève.") for n in ("un", "deux", "trois")]
    assert keywords(told, innocent(), "fr").keys() == {"écoles", "genève"}
    assert keywords([("何？", "東京です。")] * 3, innocent()) == {}
