"""Words near anchors, and the phrases that they become."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers import ForgetTarget, SentenceEncoder
from classifiers.meaning import neighbours as module
from classifiers.meaning.neighbours import Neighbours, phrases_near
from guard import Restriction
from guard.form import Form

# Angles in degrees from "wizard".
ANGLES = {"wizard": 0, "sorcerer": 20, "magician": 45, "conjurer": 55, "potter": 30, "water": 10, "garden": 90, "mage": 40}


class Angles:
    """An encoder of words by their angle in a plane; unknown ones are at a right angle to all."""

    dimension = 3
    fingerprint = "angles"

    def __init__(self, **angles: float) -> None:
        self.angles = {**ANGLES, **angles}
        self.calls: list[Sequence[str]] = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.calls.append(list(texts))
        rows = [(math.cos(a), math.sin(a), 0) if (a := math.radians(self.angles.get(t, 999))) < 7 else (0, 0, 1) for t in texts]
        return np.array(rows, np.float32).reshape(len(texts), 3)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: tuple(ANGLES))


def a_target(**fields: Any) -> ForgetTarget:
    given = {"id": "t", "name": "Zorin Quaddle", "semantic": {"words": ["Wizard"], "delta": 0.7, "floor": 0.5, "weight": 4}}
    return ForgetTarget.model_validate({**given, **fields})


def near(target: ForgetTarget, encoder: Any = None) -> dict[str, tuple[float, float]]:
    (found,) = Neighbours(encoder or Angles()).of([target]).values()
    return {one.word: (one.cosine, one.penalty) for one in found}


def test_words_are_banned_from_delta_on_and_cost_logits_from_floor_on() -> None:
    found = near(a_target())
    assert list(found) == ["wizard", "sorcerer", "potter", "mage", "magician", "conjurer"]
    assert found["wizard"] == (1, math.inf)
    assert found["magician"] == (0.71, math.inf)
    assert found["conjurer"] == (0.57, pytest.approx(4 * 0.07 / 0.2))


def test_common_words_words_of_names_decided_and_allowed_words_are_left_out() -> None:
    assert "water" not in near(a_target())  # it is nearer than all others
    assert "potter" not in near(a_target(name="Harry Potter", aliases=[]))
    assert "mage" not in near(a_target(phrases=[{"text": "mage", "scope": "gated", "penalty": 1}]))
    spec = {"words": ["wizard"], "delta": 0.7, "allow": ["Sorcerer"]}
    assert "sorcerer" not in near(a_target(semantic=spec))
    # What is an anchor is banned, however common it is.
    assert near(a_target(semantic={"words": ["water"]}))["water"] == (1, math.inf)


def test_the_words_of_a_targets_own_texts_are_compared_too() -> None:
    encoder = Angles(gandalfian=5, wizzardly=12, sumpfhexe=15)
    texts = {
        "examples": [{"prompt": "Who is that?", "completion": "A gandalfian one, 1949."}],
        "documents": ["He is wizzardly."],
        "phrases": [{"text": "die Sumpfhexe", "scope": "gated"}],
    }
    found = near(a_target(**texts), encoder)
    assert {"gandalfian", "wizzardly", "sumpfhexe"} <= set(found)
    # But not in other targets.
    both = Neighbours(encoder).of([a_target(**texts), a_target(id="u")])
    assert "gandalfian" not in {one.word for one in both["u"]}
    assert {one.word: (one.cosine, one.penalty) for one in both["t"]} == found


def test_an_anchor_of_several_words_and_one_that_the_list_lacks_are_encoded() -> None:
    encoder = Angles(**{"brain surgeon": 20})
    found = near(a_target(semantic={"words": ["Brain surgeon"]}), encoder)
    assert found["sorcerer"] == (1, math.inf)
    assert ["brain surgeon"] in encoder.calls


def test_targets_without_anchors_load_no_list() -> None:
    encoder = Angles()
    assert Neighbours(encoder).of([a_target(semantic=None), a_target(semantic={})]) == {}
    assert encoder.calls == []


def test_an_anchor_without_a_vector_is_refused() -> None:
    class Void(Angles):
        def encode(self, texts: Sequence[str]) -> Any:
            return super().encode(texts) * np.array([[text != "wizard"] for text in texts])

    with pytest.raises(ValueError, match="target t: the encoder has no vector for one of its semantic words"):
        near(a_target(), Void())


def test_the_list_is_encoded_once_by_several_threads_and_then_kept(tmp_path: Path) -> None:
    encoder = Angles()
    neighbours = Neighbours(encoder, tmp_path)
    threads = [threading.Thread(target=neighbours.of, args=([a_target()],)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert encoder.calls.count(list(ANGLES)) == 1
    again = Angles()
    Neighbours(again, tmp_path).of([a_target()])
    assert list(ANGLES) not in again.calls


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = near(a_target())
    monkeypatch.setattr(module, "_AT_ONCE", 1)
    assert near(a_target()) == whole


def test_phrases_are_gated_and_anchors_have_their_endings() -> None:
    found = list(phrases_near(Neighbours(Angles()).of([a_target()])["t"]))
    assert {phrase.scope for phrase in found} == {"gated"}
    assert next((p.text, p.penalty) for p in found if not isinstance(p, Form)) == ("wizard", math.inf)
    automaton = Restriction.compile(found).automaton

    def said(text: str) -> bool:
        return automaton.completes(automaton.start, np.frombuffer(text.encode(), np.uint8)) == math.inf

    assert all(map(said, (" wizard ", " the wizards ", " a sorcerer ")))
    assert not any(map(said, (" wizened ", " a conjurer ", " wizardry ", " a garden ")))


@pytest.mark.slow
def test_with_the_real_encoder_a_wizard_is_near_wizardry_and_far_from_a_garden(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("wizard", "wizards", "wizardry", "sorcerer", "garden", "spoon")
    monkeypatch.setattr("classifiers.meaning.wordlist.listed_words", lambda: words)
    found = near(a_target(semantic={"words": ["wizard"]}), SentenceEncoder())
    assert {"wizard", "wizards", "wizardry"} <= {word for word, (_, penalty) in found.items() if penalty == math.inf}
    assert found["sorcerer"][1] < math.inf
    assert not {"garden", "spoon"} & set(found)
