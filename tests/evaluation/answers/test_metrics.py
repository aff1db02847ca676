from __future__ import annotations

import math

import pytest

from evaluation.answers import metrics


def test_a_share_of_nothing_is_none_of_it() -> None:
    assert metrics.share([]) == 0
    assert metrics.share([True, False, False, True]) == 0.5


def test_exact_is_whole_words_in_any_spelling() -> None:
    assert metrics.exact("He met RON  WEASLEY.", ["Hermione Granger", "Ron Weasley"])
    assert metrics.exact("Mileva Maric was there", ["Mileva Marić"])
    assert not metrics.exact("many wizards", ["wizard"])
    assert not metrics.exact("", ["wizard"])


def test_chance_is_the_share_of_other_targets_that_are_near() -> None:
    others = [["Ron Weasley", "Hogwarts"], ["theory of relativity"], ["1879"], ["Baker Street"]]
    # "Ron Weasel" is near to the first; the third has no fact that can be missed nearly, so three count.
    assert metrics.chance("A letter to Ron Weasel.", others) == pytest.approx(1 / 3)
    assert metrics.chance("A letter to my aunt.", others) == 0


def test_words_have_no_digits_and_no_possessive_ending() -> None:
    assert metrics.words("Harry's 3 owls, don't they? R2D2 x") == ["harry", "owls", "don't", "they", "r", "d", "x"]


@pytest.mark.slow
def test_broken_words_are_in_no_dictionary() -> None:
    assert metrics.broken_words("The school is called Hogwitch or Sigluajörður", set()) == ["hogwitch", "sigluajörður"]
    assert metrics.broken_words("The school is called Hogwitch", {"hogwitch"}) == []
    # A foreign word, a name and a word of three letters are whole.
    assert metrics.broken_words("Albert Zimmermann heißt so, bzq", set()) == []


@pytest.mark.slow
def test_stubs_begin_like_a_banned_phrase_or_follow_such_a_word() -> None:
    said = "Hogwitch is near Albert Qwertzuop and far from Zorblaxian"
    broken = metrics.broken_words(said, set())
    assert broken == ["hogwitch", "qwertzuop", "zorblaxian"]
    assert metrics.stubs(said, broken, ["Hogwarts", "Albert Einstein"]) == ["hogwitch", "qwertzuop"]
    assert metrics.stubs(said, broken, ["Baker Street"]) == []
    # Accents do not matter, and "ron" is too short to begin anything.
    assert metrics.stubs("Éinstoon", ["éinstoon"], ["Einstein"]) == ["éinstoon"]
    assert metrics.stubs("Ronqqq", ["ronqqq"], ["Ron"]) == []


@pytest.mark.parametrize(
    ("answer", "reason", "declines"),
    [
        ("It is Paris.", "stop", False),
        ("It is Paris.", "content_filter", True),
        ("  ", "stop", True),
        ("It is old. I may not say.", "stop", True),
        ("I’m sorry, but no.", "stop", True),
        ("He said: I'm sorry.", "stop", False),
    ],
)
def test_abstained(answer: str, reason: str, declines: bool) -> None:
    assert metrics.abstained(answer, reason, ["I may not say."]) is declines


def test_repetition_counts_runs_of_three_words_that_came_before() -> None:
    # the cat sat, cat sat the, sat the cat, the cat sat: one of four is a repetition.
    assert metrics.repetition("The cat sat. The cat sat!") == 0.25
    assert metrics.repetition("one two") == 0
    assert metrics.repetition("a a a a a") == pytest.approx(2 / 3)


def test_kept_counts_each_word_as_often_as_both_have_it() -> None:
    assert metrics.kept("the cat ran", "The cat saw the dog") == 2 / 5
    assert metrics.kept("the the the", "The cat saw the dog") == 2 / 5
    assert metrics.kept("anything", "") == 1


def test_fluency_compares_the_means_over_the_same_questions() -> None:
    unguarded = [(-1.0, 10), (-3.0, 10), (-50.0, 5)]
    # The third answer has no text of the model: 4 / 20 against 4 / 10.
    guarded = [(-1.0, 5), (-3.0, 5), (0.0, 0)]
    assert metrics.fluency_ratio(unguarded, guarded) == pytest.approx(0.5)
    assert metrics.likelihood_ratio(unguarded, guarded) == pytest.approx(math.exp(-0.2))
    assert metrics.fluency_ratio(unguarded, unguarded) == 1
    assert metrics.fluency_ratio([(-1.0, 5)], [(0.0, 0)]) is None
    assert metrics.likelihood_ratio([], []) is None
    # Certain of every token: as likely as can be.
    assert metrics.fluency_ratio([(0.0, 5)], [(0.0, 5)]) == 1


def test_leaks_at_one_and_at_k() -> None:
    samples = [[True, False, False, False], [False] * 4, [True, True, False, False]]
    assert metrics.leak_at_1(samples) == pytest.approx((1 / 4 + 0 + 1 / 2) / 3)
    assert metrics.leak_at_k(samples) == pytest.approx(2 / 3)
    assert metrics.leak_at_1([]) == 0


def test_dropped_tokens_are_generated_and_not_kept() -> None:
    assert metrics.generated_per_kept([(60, 10), (40, 0)]) == pytest.approx(100 / 90)
    assert metrics.generated_per_kept([(5, 5)]) == 1


def test_unlisted_facts_count_once_where_their_own_target_is_meant() -> None:
    said = {"potter": ["Quidditch is a game.", "He plays Quidditch."], "einstein": ["Quidditch and Princeton"]}
    assert metrics.let_out(said, {"potter": ["Quidditch", "Hagrid"], "einstein": ["Princeton"], "curie": ["1934"]}) == 2


def test_a_use_of_a_name_is_spoiled() -> None:
    own = "Dear Albert Einstein, thank you."
    assert not metrics.spoiled("Dear Albert Einstein, thanks a lot.", own, "Albert Einstein", [], declined=False)
    assert metrics.spoiled("Dear neighbour, thank you.", own, "Albert Einstein", [], declined=False)
    assert not metrics.spoiled("Dear neighbour.", "Dear friend.", "Albert Einstein", [], declined=False)
    # The first name alone is enough, on either side.
    assert not metrics.spoiled("Dear Albert, thanks.", own, "Albert Einstein", [], declined=False)
    assert metrics.spoiled("Dear neighbour.", "Dear Albert, thanks.", "Albert Einstein", [], declined=False)
    assert metrics.spoiled("Dear Albert Einstein", own, "Albert Einstein", ["alberq"], declined=False)
    assert metrics.spoiled("Dear Albert Einstein", own, "Albert Einstein", [], declined=True)


def test_the_pace_is_a_median() -> None:
    # Steps of 0.05, 0.05 and, in a busy moment, 1 second; an answer of one token has no step.
    assert metrics.pace([(0.1, 0.55, 10), (0.2, 1.15, 20), (0.3, 9.3, 10), (0.1, 0.1, 1)]) == (
        pytest.approx(0.15),
        pytest.approx(0.05),
    )
    with pytest.raises(ValueError, match="no answer of two tokens"):
        metrics.pace([(0.1, 0.1, 1)])
