"""The search for names: which texts are found, whose they are, and which occurrences leave doubt."""

from __future__ import annotations

import pytest

from classifiers.naming.search import DOUBTFUL, NAMESAKE, NO_DOUBT, UNLIKELY, Doubt, Place, Search, match_of

NAMES = {"frozen": {"film": "alias"}, "ada brill": {"ada": "alias", "other": "variant"}, "zzyzx quorum": {"z": "phrase"}}


@pytest.fixture
def search() -> Search:
    return Search(NAMES, "word")


def test_a_match_in_doubt_has_a_score_of_its_own() -> None:
    assert match_of("a", 1.0, "alias").score == 1.0
    doubtful = match_of("a", 1.0, "weak name", certain=False)
    assert (doubtful.score, doubtful.certain, doubtful.classifier) == (DOUBTFUL, False, "alias")
    # Of two occurrences the one that is more likely the name counts.
    assert match_of("a", 1.0, NAMESAKE, certain=False).score == UNLIKELY < DOUBTFUL


@pytest.mark.parametrize(
    ("evidence", "doubt"),
    [
        ("", NO_DOUBT),
        ("weak name", Doubt(named=True)),
        ("part", Doubt(part=True)),
        ("person", Doubt(part=True, person=True)),
        ("namesake", Doubt(named=True, namesake=True)),
        ("small", Doubt(named=True, small=True)),
    ],
)
def test_a_part_of_a_name_is_no_name_in_doubt(evidence: str, doubt: Doubt) -> None:
    assert Doubt.of(evidence) == doubt


def test_each_text_has_its_owners(search: Search) -> None:
    assert search.held("who is ada brill") == {"ada brill": {"ada": "alias", "other": "variant"}}
    assert {match.target_id for match in search.matches("who is ada brill", 1.0)} == {"ada", "other"}
    assert search.matches("who is ada brillo", 1.0) == []


def test_a_text_of_too_few_letters_is_left_out(search: Search) -> None:
    assert search.matches("frozen", 1.0, letters=7) == []
    assert len(search.matches("frozen", 1.0, letters=6)) == 1


def test_ordinary_words_and_single_words_leave_doubt(search: Search) -> None:
    number = {text: index for index, text in enumerate(NAMES)}
    assert search.weak(number["frozen"])
    assert not search.weak(number["zzyzx quorum"])
    assert search.doubtful(number["frozen"])
    assert not search.doubtful(number["zzyzx quorum"])
    [match] = search.matches("frozen", 1.0, doubting=True)
    assert not match.certain


def test_what_is_written_small_by_the_operator_is_not_weak() -> None:
    assert not Search({"frozen": {"x": "alias"}}, "word", small={"frozen"}).weak(0)


def test_every_occurrence_of_a_doubtful_text_is_found(search: Search) -> None:
    assert [index for index, _ in search.found("frozen peas and frozen")].count(0) == 2
    assert [index for index, _ in search.found("zzyzx quorum and zzyzx quorum")].count(2) == 1


def test_a_place_looks_at_its_text_once() -> None:
    place = Place("The film Frozen.")
    assert place.written is place.written


def test_what_the_operator_writes_in_capitals() -> None:
    found = Search({"who": {"x": "alias"}, "frozen": {"y": "alias"}}, "word", in_capitals={"who"})
    assert [found.in_capitals(index) for index in range(2)] == [True, False]
