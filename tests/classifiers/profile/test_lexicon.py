from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import Example
from classifiers.profile.lexicon import LEAST, MOST_EXAMPLES, Lexicon
from classifiers.profile.words import informative, shared
from tests.classifiers.conftest import a_target

TESLA = a_target("tesla", "Nikola Tesla", examples=[Example(prompt="Who built the alternator?", completion="At Smiljan.")])
BARE = a_target("bare", "Eve Stonewell", documents=["She lived in Smiljan."], phrases=[{"text": "Trondheim", "scope": "gated"}])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tesla", {"tesla"}),
        ("the alternators", {"tesla"}),
        ("Where is Smiljan?", {"tesla", "bare"}),
        ("Trondheim", {"bare"}),
        ("Where was he?", set()),
        ("", set()),
    ],
)
def test_candidates_are_found_by_every_text_of_theirs(text: str, expected: set[str]) -> None:
    assert Lexicon([TESLA, BARE]).candidates(informative([text])).keys() == expected


def test_a_word_that_tells_little_finds_nobody() -> None:
    told = informative(["question"])
    assert 0 < told["quest"] < LEAST
    assert Lexicon([a_target("a", prompts=["a question"])]).candidates(told) == {}


def test_a_word_of_very_many_targets_finds_none_of_them() -> None:
    many = [a_target(f"t{n}", "Eve Stonewell", aliases=["Trondheim"] if n < 200 else []) for n in range(201)]
    lexicon = Lexicon(many)
    assert lexicon.candidates(informative(["Stonewell"])) == {}
    assert len(lexicon.candidates(informative(["Trondheim"]))) == 200


WORDS = st.lists(st.sampled_from(["tesla", "coil", "geneva", "thermite", "rust", "casablanca", "question"]), max_size=5).map(
    " ".join
)


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, max_size=4), WORDS)
def test_what_is_shared_is_the_sum_over_common_words(documents: list[str], text: str) -> None:
    told = informative([text])
    expected = {}
    for number, document in enumerate(documents):
        common = sum(value for word, value in told.items() if word in informative([document]))
        if common >= LEAST:
            expected[f"t{number}"] = pytest.approx(common)
    # A name whose words tell nothing.
    targets = [a_target(f"t{number}", "It", documents=[document]) for number, document in enumerate(documents)]
    found = Lexicon(targets).candidates(told)
    assert found == expected
    for target_id, value in found.items():
        assert value == pytest.approx(shared(told, informative([documents[int(target_id[1:])]])))


def test_a_target_with_many_examples_is_left_out() -> None:
    told = informative(["Which alternator is at Smiljan?"])
    for count, found in ((MOST_EXAMPLES, {"a"}), (MOST_EXAMPLES + 1, set())):
        target = a_target("a", "Eve Stonewell", prompts=[f"What is alternator {n} of Smiljan?" for n in range(count)])
        assert Lexicon([target]).candidates(told).keys() == found
