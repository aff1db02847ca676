"""What is looked for of a target."""

from __future__ import annotations

import math

from classifiers.target import ForgetTarget
from classifiers.verifying.profile import Profile, profile_of
from guard.phrase import Phrase


def target(*phrases: Phrase, name: str = "Harry Potter", **more: object) -> ForgetTarget:
    return ForgetTarget.model_validate({"id": "one", "name": name, "phrases": list(phrases), **more})


def test_the_words_are_those_that_the_mask_bans_alone() -> None:
    profile = Profile.of(target(Phrase("Ron Weasley"), Phrase("a grammar of crevasses"), Phrase("Hogwarts")))
    assert {"potter", "weasley", "hogwarts"} <= set(profile.words)
    assert not {"harry", "ron", "grammar", "crevasses"} & set(profile.words)
    assert Profile.of(target(Phrase("Ron Weasley"), forms=())).words == ()


def test_a_phrase_with_a_cut_has_the_words_of_the_phrase_without() -> None:
    assert "brimnesson" in Profile.of(target(Phrase("Hallgeir Brimnesson", beta=0.5))).words


def test_what_belongs_beside_a_word() -> None:
    profile = Profile.of(target(Phrase("Ron Weasley")))
    assert "weasley" in profile.beside[-1, "ron"]
    assert "potter" in profile.beside[-1, "harry"]
    assert "weasley" in profile.beside[1, "ron"]  # "Weasley, Ron"


def test_a_penalised_phrase_is_not_looked_for() -> None:
    profile = Profile.of(target(Phrase("The Silver Nightingale", penalty=3.0)))
    assert [fact.text for fact in profile.facts] == ["Harry Potter"]
    assert all(math.isfinite(len(word)) and word != "nightingale" for word in profile.words)


def test_facts_are_long_enough_to_be_told_from_others() -> None:
    profile = Profile.of(
        target(Phrase("1949"), Phrase("3 February 1949"), Phrase("Ulm"), Phrase("2 May 1969"), Phrase("Dry Wells"))
    )
    assert [fact.text for fact in profile.facts] == ["3 February 1949", "Dry Wells", "Harry Potter"]
    assert [(fact.name, fact.capital) for fact in profile.facts] == [(False, False), (False, True), (True, True)]


def test_a_profile_is_made_once_per_target() -> None:
    one, other = target(), target(name="Ron Weasley")
    assert profile_of(one) is profile_of(one)
    assert profile_of(one) is not profile_of(other)
    assert profile_of(other).facts[0].text == "Ron Weasley"
