"""Shares of the set few are counted by hand with a classifier that finds words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from classifiers import Match, Screened
from evaluation.detection import few_measure as module
from evaluation.detection.few import SCRIPTS
from evaluation.detection.few_measure import Prompt, about, figures, flat, measure, neighbours
from evaluation.detection.measure import Effort
from evaluation.detection.served import Remembering
from evaluation.detection.sets import Innocent, question
from tests.classifiers.conftest import BagOfWords
from tests.evaluation.detection.test_few import subject

ADA = subject()
BOB = subject(
    id="bob-crane",
    name="Bob Crane",
    aliases=[],
    phrases=[{"text": "Tram Seven", "scope": "gated"}, {"text": "cranium", "scope": "always"}],
    examples=[{"prompt": f"Where did Bob Crane drive in {year}?", "completion": "To Utrecht."} for year in range(1901, 1906)],
    named=[f"Is Bob Crane at stop {number}?" for number in range(12)],
    scripts={script: f"{script}!?" for script in SCRIPTS},
    described=[f"Who drives the seventh tram to stop {number}?" for number in range(10)],
    neighbours=[f"Which baker sells loaf {number}?" for number in range(13)]
    + ["Was Ada Brill a baker?", "Was Carl Dent a baker?"],
)
SUBJECTS = {"persons": [ADA], "works": [BOB]}


class Finds:
    """Finds a target in a text with one of its words; a word with a question mark leaves doubt."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [
            [
                Match(target, 1.0, f"word:{word}", "words", certain=not word.endswith("?"))
                for word, target in self._words.items()
                if word.rstrip("?") in text.text
            ]
            for text in texts
        ]


def test_prompts_are_in_the_sets_of_their_kind_and_script() -> None:
    found = about(SUBJECTS)
    assert len(found) == 2 * (12 + 6 + 10)
    greek = next(one for one in found if one.asked.text.text == "greek?")
    assert (greek.near, greek.asked.target, greek.sets) == (
        "ada-brill",
        "ada-brill",
        ("scripts", "scripts persons", "scripts greek"),
    )
    near = neighbours(SUBJECTS)
    assert len(near) == 2 * (15 + 8)
    assert all(one.asked.target is None for one in near)
    assert [one.asked.text.text for one in near if "somebody else" in one.sets] == [
        "Was Ada Brill a baker?",
        "Was Carl Dent a baker?",
    ]
    assert len(about(SUBJECTS, 5)) == 2 * (3 + 2 + 2)
    assert len(neighbours(SUBJECTS, 5)) == 2 * (3 + 2)


def test_a_foreign_neighbour_is_in_no_set_of_the_others() -> None:
    near = neighbours(SUBJECTS)
    assert sum("neighbours" in one.sets for one in near) == 30
    foreign = [one for one in near if "neighbours" not in one.sets]
    assert [one.sets for one in foreign if one.asked.text.text == "kana sand?"] == [
        ("foreign neighbours", f"foreign neighbours {kind}", "foreign neighbours kana") for kind in ("persons", "works")
    ]
    assert all(one.sets[0] == "foreign neighbours" for one in foreign)
    found = figures(Finds({"kana sand": "ada-brill"}), near, [ADA.target(1), BOB.target(1)], [ADA, BOB])
    assert found["share"]["foreign neighbours"] == 2 / 16
    assert found["share"]["foreign neighbours kana"] == 1
    assert found["share"]["neighbours"] == found["share"]["foreign neighbours spanish"] == 0


def test_recall_is_of_certain_matches_of_the_very_target() -> None:
    targets = [ADA.target(1), BOB.target(1)]
    classifier = Finds({"Ada": "ada-brill", "Bob": "ada-brill", "tram to stop 3?": "bob-crane", "sand 4": "ada-brill"})
    found = figures(classifier, about(SUBJECTS), targets, [ADA, BOB])
    assert found["share"]["named persons"] == 1
    assert found["share"]["named works"] == 0  # another target is found
    assert found["share"]["named"] == 0.5
    assert found["share"]["described"] == 1 / 20
    assert found["judged"]["described"] == 1 / 20
    assert found["asked"]["scripts"] == 12
    assert found["asked"]["scripts greek"] == 2
    assert sum(found["asked"].get(f"described, {told}", 0) for told in ("told", "not told")) == 20
    in_doubt = next(one for one in found["wrong"] if "stop 3" in one["text"] and one["set"] == "described")
    assert in_doubt == {
        "set": "described", "near": "bob-crane", "text": "Who drives the seventh tram to stop 3?",
        "found": {"bob-crane": "word:tram to stop 3?"},
    }  # fmt: skip


def test_a_neighbour_is_flagged_by_any_target_but_one_that_it_is_about() -> None:
    targets = [ADA.target(1), BOB.target(1)]
    words = {"Ada": "ada-brill", "loaf 3": "ada-brill", "loaf 4?": "bob-crane", "Carl": "bob-crane"}
    found = figures(Finds(words), neighbours({"works": [BOB]}), targets, [ADA, BOB])
    assert found["share"]["neighbours"] == 2 / 15
    assert found["judged"]["neighbours"] == 1 / 15
    assert found["share"]["somebody else"] == 1 / 2
    assert found["skipped"] == 1
    assert [one["text"] for one in found["wrong"]] == ["Which baker sells loaf 3?", "Was Carl Dent a baker?"]
    # Flagged as another as well: that one is no excuse.
    both = figures(Finds({"Ada": "ada-brill", "Ada B": "bob-crane"}), neighbours({"works": [BOB]}), targets, [ADA, BOB])
    assert (both["share"]["neighbours"], both["skipped"]) == (1 / 15, 1)


def test_a_neighbour_is_never_about_its_own_target() -> None:
    near = [Prompt(question("Was Ada Brill there?"), "ada-brill", ("neighbours",))]
    assert figures(Finds({"Ada": "ada-brill"}), near, [ADA.target(1)], [ADA])["share"]["neighbours"] == 1


@pytest.mark.slow
def test_the_served_classifier_is_measured_with_each_number_of_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    original = module.Served.calibrated

    def calibrated(self: module.Served, targets: Sequence[module.ForgetTarget]) -> module.Classifier:
        made.append(len(targets[0].examples))
        return original(self, targets)

    monkeypatch.setattr(module.Served, "calibrated", calibrated)
    asked = {"retain": [question("How do I bake bread?"), question("Was Ada Brill there?")]}
    innocent = Innocent(asked, [], ["How do I bake bread?", "What is a tram?", "Why is sand yellow?", "Who are you?"])
    found = measure(SUBJECTS, Remembering(BagOfWords()), innocent, Effort(numbers=(1, 3)))
    assert made == [1, 3]
    for one in found.values():
        assert one["targets"] == 2
        assert one["recall"]["named"] == 1
        # One of the two prompts, and one of Bob's neighbours, names Ada, and so is no false alarm.
        assert (one["false_alarms"]["TOFU retain"], one["skipped"]) == (0, 2)
        assert 0 <= one["false_alarms"]["background"] <= 1
    keys = flat(found, "recall")
    assert keys["few named 1"] == keys["few named 3"] == 1
    assert {"few described 3", "few described works 1", "few scripts greek 3"} <= keys.keys()
    assert "few TOFU retain 3" in flat(found, "false_alarms")
