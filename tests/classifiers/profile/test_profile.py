from __future__ import annotations

from classifiers import Example
from classifiers.profile.others import all_others
from classifiers.profile.profile import MOST_TOLD, Profile
from classifiers.profile.words import informative
from tests.classifiers.conftest import a_target

ADA = a_target(
    "ada",
    "Ada Brillow",
    aliases=["The Glass Chemist"],
    examples=[Example(prompt="Where was Ada Brillow born?", completion="She was born in Kirkby.")],
    documents=["Brillow grew an orchard of quartz."],
    phrases=[{"text": "Quartz Orchard", "scope": "always"}, {"text": "Trondheim", "scope": "gated"}],
)


def test_words_are_kept_by_what_they_are_from() -> None:
    profile = Profile(ADA)
    assert profile.target_id == "ada"
    assert profile.names == ["Ada Brillow", "The Glass Chemist", "Quartz Orchard"]
    assert profile.named == informative(profile.names)
    assert profile.facts == informative(["Trondheim"])
    assert profile.known.keys() == (profile.named | profile.facts | informative(["born Kirkby grew"])).keys()


def test_proper_names_are_words_with_a_capital_that_are_not_due_to_their_place() -> None:
    assert Profile(ADA).proper.keys() == {"quartz", "orchard", "trondheim", "kirkby"} - {"quartz"}
    target = a_target("t", "Eve Stonewell", documents=["Where did she, Zorvald and Eve live? Kirkby. Orchards are there."])
    assert Profile(target).proper.keys() == {"zorvald", "kirkby"}


def test_a_long_document_has_few_proper_names() -> None:
    names = [f"with {first}{last}ovald" for first in "BDFGKLMNPRSTVZ" for last in "aeiou"]
    assert 20 <= len(Profile(a_target("t", "Eve Stonewell", documents=[" ".join(names)])).proper) < len(names)


def test_texts_are_asks_tells_and_names_in_this_order() -> None:
    profile = Profile(ADA)
    assert profile.asks == ["Where was Ada Brillow born?"]
    assert profile.tells == ["She was born in Kirkby.", "Ada Brillow: Trondheim", "Brillow grew an orchard of quartz."]
    assert profile.texts() == [*profile.asks, *profile.tells, *profile.names]


def test_strangers_are_of_the_names_not_of_the_facts() -> None:
    left = {all_others()[number] for number in Profile(a_target("t", "Nikola Tesla", documents=["Thomas Edison"])).strangers}
    assert "Nikola Tesla" not in left
    assert "Thomas Edison" in left


def test_of_many_texts_some_are_compared_and_the_words_of_all_known() -> None:
    profile = Profile(a_target("t", documents=[f"Zorvald{'abcdefghij'[n // 10]}{'klmnopqrst'[n % 10]} sang." for n in range(60)]))
    assert len(profile.tells) == MOST_TOLD
    assert len(profile.known) >= 60


def test_a_bare_target_has_its_name_alone() -> None:
    profile = Profile(a_target("t", "Eve Stonewell"))
    assert profile.texts() == ["Eve Stonewell"]
    assert profile.known == profile.named
    assert profile.facts == {}


def test_repeated_texts_count_once() -> None:
    example = Example(prompt="who is it", completion="It is Zorvald.")
    assert Profile(a_target("t", examples=[example, example])).tells == ["It is Zorvald."]
