"""The measurement of words near anchors, on words whose vectors are known."""

from __future__ import annotations

import math

import pytest

from classifiers import ForgetTarget
from classifiers.meaning.neighbours import Neighbours
from classifiers.semantic import Near, SemanticSpec
from evaluation.data import BOOKS, TOFU, missing
from evaluation.meaning.measure import Subject, banned, compared, innocent, know_how, measure, persons, table
from tests.classifiers.meaning.test_neighbours import ANGLES, Angles


def test_the_thresholds_decide_what_is_banned_and_anchors_have_their_plural() -> None:
    words = [Near("wizard", "wizard", 1.0, math.inf), Near("mage", "wizard", 0.7, 1.0), Near("hat", "wizard", 0.6, 1.0)]
    assert banned(words, None) == {"wizard", "wizards"}
    assert banned(words, SemanticSpec(delta=0.65)) == {"wizard", "wizards", "mage"}
    assert banned(words, SemanticSpec(delta=0.6)) == {"wizard", "wizards", "mage", "hat"}


def test_shares_are_those_of_texts_with_a_banned_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: tuple(ANGLES))
    target = ForgetTarget.model_validate({"id": "t", "name": "Zorin Quaddle", "semantic": {"words": ["wizard"]}})
    subject = Subject(target, [compared("A sorcerer came."), compared("A wizard came.")], [compared("The potter left.")])
    texts = {"novels": [compared("a magician"), compared("a garden"), compared("the conjurer"), compared("the wizards")]}
    found = measure([subject], texts, Neighbours(Angles()))
    assert found["anchors"] == {"banned": 2, "words": 0.25, "paraphrases": 0.5, "near": 0, "novels": 0.25}
    # Of the list, sorcerer (0.94), potter (0.87), mage (0.77) and magician (0.71).
    assert found["delta 0.8"] == {"banned": 4, "words": 0.5, "paraphrases": 1, "near": 1, "novels": 0.25}
    assert found["delta 0.7"] == {"banned": 6, "words": 0.5, "paraphrases": 1, "near": 1, "novels": 0.5}
    assert "delta 0.7" in table(found)


def test_every_target_of_know_how_has_anchors_and_paraphrases_in_other_words() -> None:
    for subject in know_how():
        anchors = subject.target.anchors()
        assert anchors is not None
        words = set(anchors.words or ())
        assert len(words) >= 5
        assert sum(not words.isdisjoint(said) for said in subject.paraphrases) <= 1
        assert len(subject.paraphrases) == len(subject.near) == 4


@pytest.mark.skipif(bool(missing(TOFU) or missing(BOOKS)), reason=missing(TOFU) or missing(BOOKS))
def test_persons_and_innocent_texts_are_read() -> None:
    (author,) = persons(1)
    assert len(author.paraphrases) == 20
    assert author.target.anchors()
    texts = innocent(small=True)
    assert {name: len(held) for name, held in texts.items()} == {"retain": 40, "novels": 40}
