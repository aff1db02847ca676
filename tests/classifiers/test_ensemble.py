from __future__ import annotations

from collections.abc import Sequence

import pytest

from classifiers import Match, Screened
from classifiers.ensemble import EnsembleClassifier
from tests.classifiers.conftest import screened


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


def test_an_uncertain_match_ends_nothing() -> None:
    later = Counts(Match("b", 0.9, "y", "2"))
    doubtful = Match("a", 0.6, "x", "1", certain=False)
    [found] = EnsembleClassifier([Says(doubtful), later], final={"a"}).classify(screened("t"))
    assert [match.target_id for match in found] == ["b", "a"]
