from __future__ import annotations

import pytest

from classifiers.profile.others import KINDS, all_others, others, strangers
from classifiers.profile.words import informative


def test_each_kind_has_names_and_no_blank_one() -> None:
    assert set(others()) == {*KINDS, "given", "family"}
    assert all(len(names) >= 25 and all(names) for names in others().values())


@pytest.mark.parametrize("kind", [*KINDS, "given", "family"])
def test_no_name_is_listed_twice(kind: str) -> None:
    assert len(set(others()[kind])) == len(others()[kind])


def test_all_others_are_of_all_kinds_without_given_and_family_names() -> None:
    assert len(all_others()) == sum(len(others()[kind]) for kind in KINDS)
    assert {"Nikola Tesla", "Casablanca", "the Red Cross", "making thermite"} <= set(all_others())


def names(words: str) -> set[str]:
    return {all_others()[number] for number in strangers(informative([words]))}


def test_a_target_that_is_listed_is_no_stranger_to_itself() -> None:
    left = names("Nikola Tesla")
    assert "Nikola Tesla" not in left
    assert {"Thomas Edison", "Casablanca"} <= left


def test_who_shares_a_telling_word_is_no_stranger() -> None:
    assert {"Marie Curie", "Pierre Curie"} & names("Irene Curie") == set()
    assert names("the and of") == set(all_others())
