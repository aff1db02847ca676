from __future__ import annotations

from collections.abc import Sequence

import pytest
import yaml

from classifiers import CachedEncoder, Conflict, EnsembleClassifier, ForgetTarget, Match, Screened, Thresholds, build_classifier
from classifiers.calibration.calibrator import Calibrator
from classifiers.meaning.background import full_background
from tests.classifiers.conftest import STRANGE, BagOfWords, a_target, screened
from tests.paths import ROOT

DEMO = ROOT / "evaluation" / "demo"


class Says:
    """A classifier that finds the same in every text."""

    def __init__(self, *matches: Match) -> None:
        self.matches = list(matches)

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [list(self.matches) for _ in texts]


class Fails:
    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        raise RuntimeError("broken")


class Omits:
    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[] for _ in texts[1:]]


def test_nothing_found() -> None:
    classifier = EnsembleClassifier([Says(), Says()])
    assert classifier.classify([]) == []
    assert classifier.classify(screened("a", "b")) == [[], []]


def test_union_with_the_best_of_each_target() -> None:
    a, b, better = Match("a", 0.8, "x", "1"), Match("b", 0.7, "x", "1"), Match("b", 0.9, "y", "2")
    assert EnsembleClassifier([Says(a, b), Says(better)]).classify(screened("t", "u")) == [[better, a]] * 2


def test_of_equal_scores_the_earlier_member() -> None:
    first, second = Match("a", 1.0, "alias", "1"), Match("a", 1.0, "nearest", "2")
    assert EnsembleClassifier([Says(first), Says(second)]).classify(screened("t")) == [[first]]


@pytest.mark.parametrize(("member", "error"), [(Fails(), RuntimeError), (Omits(), ValueError)])
def test_a_member_that_fails_is_heard(member: Fails | Omits, error: type[Exception]) -> None:
    for members in ([member, Says()], [Says(Match("a", 1.0, "x", "1")), member]):
        with pytest.raises(error):
            EnsembleClassifier(members).classify(screened("t"))


def test_no_members() -> None:
    with pytest.raises(ValueError, match="member"):
        EnsembleClassifier([])


class Counts(Says):
    def __init__(self, *matches: Match) -> None:
        super().__init__(*matches)
        self.seen = 0

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        self.seen += len(texts)
        return super().classify(texts)


class Finds:
    """Finds target "a" in texts that begin with "a"."""

    def classify(self, texts: Sequence[Screened]) -> list[list[Match]]:
        return [[Match("a", 0.8, "x", "1")] if text.text.startswith("a") else [] for text in texts]


def test_a_decided_text_goes_no_further() -> None:
    later = Counts(Match("b", 0.9, "y", "2"))
    found = EnsembleClassifier([Finds(), later], final=["a"]).classify(screened("b", "a", "c"))
    assert [[match.target_id for match in matches] for matches in found] == [["b"], ["a"], ["b"]]
    assert later.seen == 2


def test_a_name_that_is_refused_is_not_encoded(bag_of_words: BagOfWords) -> None:
    fields = {"name": "Ada Brill", "prompts": ["which chemist grew an orchard of glass"]}
    for action, encoded in (("refuse", False), ("suppress", True)):
        classifier = build_classifier([a_target("ada", action=action, **fields)], [], bag_of_words)
        bag_of_words.calls.clear()
        [[match]] = classifier.classify(screened("who is ada brill"))
        assert match.evidence == "alias"
        assert any(bag_of_words.calls) == encoded


def test_names_alone_encode_nothing(bag_of_words: BagOfWords) -> None:
    classifier = build_classifier([a_target("ada", "Ada Brill")], ["who is eve stone"], bag_of_words, head=True)
    assert [bool(matches) for matches in classifier.classify(screened("who is ada brill", "who is eve stone"))] == [True, False]
    assert not any(bag_of_words.calls)


def test_conflicts_of_all_kinds(bag_of_words: BagOfWords) -> None:
    one = a_target("one", "Ada Brill", prompts=["who grew glass", "who wrote it"])
    two = a_target("two", "Bob Crane", prompts=["who grew glass?"], aliases=["ADA  BRILL"])
    classifier = build_classifier([one, two], ["Who wrote it?"], bag_of_words)
    assert set(classifier.conflicts) == {
        Conflict("alias", ("one", "two")),
        Conflict("shared", ("one", "two")),
        Conflict("background", ("one",)),
    }
    [matches] = classifier.classify(screened("where does Ada Brill live"))
    assert {match.target_id for match in matches} == {"one", "two"}


def test_build_with_a_calibration(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["which chemist grew an orchard of glass"])
    calibrator = Calibrator(bag_of_words, alpha=0.1)
    calibration = calibrator.update([target], full_background([]))
    texts = screened(*calibrator.texts(target))
    found = build_classifier([target], [], bag_of_words, calibration=calibration).classify(texts)
    assert len(texts) > sum(map(bool, found)) >= 0.9 * len(texts)
    assert sum(map(bool, build_classifier([target], [], bag_of_words).classify(texts))) < sum(map(bool, found))
    with pytest.raises(ValueError, match="other thresholds"):
        build_classifier([target], [], bag_of_words, Thresholds(0.5, 0.1), calibration)

    class Other(BagOfWords):
        fingerprint = "another"  # type: ignore[assignment]

    with pytest.raises(ValueError, match="another encoder"):
        build_classifier([target], [], Other(), calibration=calibration)


def test_build_finds_names_and_descriptions(bag_of_words: BagOfWords) -> None:
    target = a_target("ada", "Ada Brill", prompts=["which chemist grew an orchard of glass"])
    classifier = build_classifier([target], ["who is eve stone"], bag_of_words)
    texts = screened("tell me a joke", "who is ADA BRILL", "Which chemist grew an orchard of glass?", "who is eve stone")
    assert [[match.evidence.split(":")[0] for match in matches] for matches in classifier.classify(texts)] == [
        [],
        ["alias"],
        ["nearest"],
        [],
    ]


def test_build_without_targets(bag_of_words: BagOfWords) -> None:
    assert build_classifier([], [], bag_of_words).classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)


def test_strange_texts_with_the_real_encoder(cached_encoder: CachedEncoder) -> None:
    target = a_target("ada", "Ada Brill", prompts=["Where was Ada Brill born?"])
    classifier = build_classifier([target], [], cached_encoder)
    assert classifier.classify(screened(*STRANGE.values())) == [[]] * len(STRANGE)


def test_the_demo_policy(cached_encoder: CachedEncoder) -> None:
    """Every question about a forgotten person is found, paraphrases too; no question about anybody or anything else is.

    Of what is kept, only the first paraphrase is asked, to save time.
    """
    policy = yaml.safe_load((DEMO / "policy.yaml").read_text("utf-8"))
    people = yaml.safe_load((DEMO / "people.yaml").read_text("utf-8"))["people"]
    general = yaml.safe_load((DEMO / "general.yaml").read_text("utf-8"))["general"]
    targets = [ForgetTarget.model_validate(target) for target in policy["targets"]]
    classifier = build_classifier(targets, policy["background"], cached_encoder)
    for person in [*people, {"id": "nobody", "forget": False, "pairs": general}]:
        wordings = None if person["forget"] else 1
        questions = [text for pair in person["pairs"] for text in (pair["question"], *pair["paraphrases"][:wordings])]
        found = [{match.target_id for match in matches} for matches in classifier.classify(screened(*questions))]
        assert found == [{person["id"]} if person["forget"] else set()] * len(questions)
