"""Negatives are near their target and not about it."""

from __future__ import annotations

import numpy as np

from classifiers import Example, ForgetTarget
from classifiers.calibration.negatives import negatives, similar_others
from classifiers.profile.others import all_others, others
from tests.classifiers.conftest import BagOfWords, a_target

CURIE = ForgetTarget(
    id="curie",
    name="Marie Curie",
    aliases=["Madame Curie"],
    examples=[
        Example(prompt="Where was Marie Curie born?", completion="In Warsaw."),
        Example(prompt="Who discovered radium?", completion="Marie and Pierre Curie."),
    ],
)


def test_the_same_question_is_asked_about_others_and_namesakes() -> None:
    made = negatives(CURIE, ["Isaac Newton", "Niels Bohr"])
    assert "Where was Isaac Newton born?" in made
    assert "Where was Niels Bohr born?" in made
    given, family = others()["given"][0], others()["family"][0]
    assert f"Where was {given} Curie born?" in made
    assert f"Where was Marie {family} born?" in made


def test_no_negative_names_the_target_and_none_occurs_twice() -> None:
    made = negatives(CURIE, ["Isaac Newton"])
    assert not any(name in text for text in made for name in CURIE.names)
    assert len(made) == len(set(made))


def test_an_example_without_the_name_makes_no_question_about_others() -> None:
    assert not any("radium" in text for text in negatives(CURIE, ["Isaac Newton"]))


def test_ordinary_words_come_in_other_contexts() -> None:
    made = negatives(a_target("film", "Frozen"), ["Shrek"])
    assert "What does the word frozen mean?" in made


def test_the_longest_name_is_replaced() -> None:
    target = ForgetTarget(
        id="a", name="Ada", aliases=["Ada Brill"], examples=[Example(prompt="Who is Ada Brill?", completion="A chemist.")]
    )
    assert "Who is Niels Bohr?" in negatives(target, ["Niels Bohr"])


def test_a_target_without_examples_has_questions_about_others() -> None:
    made = negatives(a_target("x", "Zzyzx Quorum"), ["Isaac Newton"])
    assert any("Isaac Newton" in text for text in made)


def test_similar_others_share_no_word_with_the_target() -> None:
    encoder = BagOfWords()
    vectors = encoder.encode(all_others())
    found = similar_others(CURIE, encoder, vectors, 20)
    assert len(found) == 20
    assert not any("Curie" in name or "Marie" in name for name in found)
    # With a bag of words, the nearest name to "the Red Tower" is another tower.
    tower = a_target("tower", "the tall Tower")
    assert "Tower" not in " ".join(similar_others(tower, encoder, vectors, 3))
    assert np.isfinite(vectors).all()
