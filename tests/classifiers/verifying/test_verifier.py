"""The verifier: what must not leave is found, and innocent answers leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.target import ForgetTarget
from classifiers.verifying import kernels
from classifiers.verifying.finding import Finding
from classifiers.verifying.verifier import Verifier, warm
from evaluation.data import BOOKS, TOFU, missing, tofu
from guard.excepted import Excepted
from guard.phrase import Phrase
from guard.restriction import Restriction
from tests.classifiers.verifying.cases import (
    DISGUISED,
    EIFFEL,
    EINSTEIN,
    INNOCENT,
    MEHRANGIZ,
    NEAR,
    POTTER,
    YRSA,
    ZEFERINO,
    verifier,
)

FILLER = st.sampled_from(["", "The rain fell on the roofs of the town. ", "Yes. ", "I think so, and many others do too. "])


def covers(found: list[Finding], text: str, part: str) -> bool:
    start = text.index(part)
    return any(one.start <= start and start + len(part) <= one.end for one in found)


@pytest.mark.parametrize(("target", "text", "part"), DISGUISED, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_a_disguised_phrase_is_found_where_it_is_hidden(target: ForgetTarget, text: str, part: str) -> None:
    found = verifier(target).findings(text)
    assert covers(found, text, part)
    assert {one.kind for one in found} <= {"disguised", "exact"}


@pytest.mark.parametrize(("target", "text", "part"), NEAR, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_what_a_mask_leaves_of_a_phrase_is_found(target: ForgetTarget, text: str, part: str) -> None:
    """F5: near misses."""
    found = verifier(target).findings(text)
    assert covers(found, text, part)
    assert {one.target_id for one in found} == {target.id}


@pytest.mark.parametrize(("target", "text"), INNOCENT, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_an_innocent_neighbour_is_left_alone(target: ForgetTarget, text: str) -> None:
    # What the mask itself bans ("granger", or a phrase that beta cuts) is not the verifier's judgement.
    assert [one for one in verifier(target).findings(text) if one.kind != "exact"] == []


@settings(max_examples=60, deadline=None)
@given(FILLER, st.sampled_from(NEAR + DISGUISED), FILLER)
@pytest.mark.slow
def test_what_is_around_it_hides_nothing(before: str, row: tuple[ForgetTarget, str, str], after: str) -> None:
    target, text, part = row
    whole = f"{before}\n{text}\n{after}"
    assert covers(verifier(target).findings(whole), whole, part)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([POTTER, YRSA]), st.text("Hary Potergw1b\u200b\n.", max_size=60))
def test_findings_are_in_order_inside_the_text_and_do_not_overlap(target: ForgetTarget, text: str) -> None:
    found = verifier(target).findings(text)
    places = [0, *(place for one in found for place in (one.start, one.end)), len(text)]
    assert places == sorted(places)
    assert all(one.start < one.end for one in found)


def test_an_exact_phrase_is_found_with_its_target() -> None:
    text = "It is Harry James Potter."
    assert verifier(POTTER).findings(text) == [Finding(6, 24, "exact", "potter")]


def test_a_phrase_of_a_target_that_did_not_match_is_found_without_a_target() -> None:
    restriction = Restriction.compile([Phrase("Harry Potter")])
    assert Verifier([], [restriction]).findings("So Harry Potter") == [Finding(3, 15, "exact", None)]
    assert Verifier([], [restriction]).findings("So Harry Pottr is Hogwitch") == []


@pytest.mark.parametrize(
    "text", ["Harry Potter's friends", "The Harry Potters", "Harry James Potter", "Mr. Potter", "Harry Potts", "", "  \n"]
)
def test_a_name_that_the_prompt_said_may_be_said(text: str) -> None:
    assert verifier(POTTER, "Harry Potter").findings(text) == []


def test_other_phrases_stay_banned_beside_an_allowed_name() -> None:
    found = verifier(POTTER, "Harry Potter").findings("Harry Potter and Ron Weasley met Ron Weasel at H0gw4rts")
    assert [one.kind for one in found] == ["exact", "name", "disguised"]


def test_an_exception_is_no_finding_and_what_only_begins_it_is() -> None:
    assert verifier(POTTER).findings("Justice Potter Stewart wrote it.") == []
    assert [one.kind for one in verifier(POTTER).findings("Justice Potter Stew wrote it.")] == ["exact"]


def test_a_near_miss_inside_an_exception_of_its_target_is_no_finding() -> None:
    target = ForgetTarget.model_validate({"id": "one", "name": "Anna Weasley"})
    target = target.model_copy(update={"excepted": ["Ann Weasly of Leeds"]})
    assert [one.kind for one in Verifier([target], []).findings("It is Ann Weasly of York.")] == ["name"]
    assert Verifier([target], []).findings("It is Ann Weasly of Leeds.") == []


def test_an_answer_in_small_letters_is_read_as_any_other() -> None:
    text = "his best friend is ron weasel, and he goes to hogwitch."
    found = verifier(POTTER).findings(text)
    assert covers(found, text, "ron weasel")
    assert covers(found, text, "hogwitch")


def test_several_hidden_places_are_found() -> None:
    text = "yrraH rettoP came. Then it rained for a long time, and the town was quiet. Later H4rry P0tt3r w3nt home."
    found = verifier(POTTER).findings(text)
    assert covers(found, text, "yrraH rettoP")
    assert covers(found, text, "H4rry P0tt3r")
    assert not covers(found, text, "the town was quiet")


def test_a_target_that_bans_nothing_has_no_near_misses() -> None:
    monitored = ForgetTarget.model_validate({"id": "one", "name": "Harry Potter", "action": "monitor"})
    assert Verifier([monitored], []).findings("Harry Pottr") == []
    assert Verifier([monitored.model_copy(update={"action": POTTER.action})], []).findings("Harry Pottr") != []


def test_nothing_is_compiled_for_an_answer_once_it_is_warm(tmp_path: Path) -> None:
    warm()
    loops = (kernels.banned, kernels.compact_banned, kernels.gap_banned, kernels.kept)
    compiled = [len(loop.signatures) for loop in loops]
    assert all(compiled)
    restriction = Restriction.compile(POTTER.all_phrases(), exceptions=[Excepted("Potter Stewart")])
    restriction.save(tmp_path)
    mapped = Restriction.load(tmp_path, restriction.digest)
    assert Verifier([POTTER], [mapped]).findings("Ron James Weasley, H-a-r-r-y P-o-t-t-e-r and Hogwitch") != []
    assert [len(loop.signatures) for loop in loops] == compiled


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
@pytest.mark.slow
def test_innocent_answers_leave() -> None:
    texts = [record["answer"] for record in tofu("retain90")[::9]]
    texts += [
        record[key] for name in ("real_authors", "world_facts") for record in tofu(name)[::2] for key in ("question", "answer")
    ]
    _leave(texts)


@pytest.mark.skipif(bool(missing(BOOKS)), reason=missing(BOOKS))
@pytest.mark.slow
def test_pages_of_novels_leave() -> None:
    words = [book.read_text("utf-8").split() for book in sorted(BOOKS.glob("*.txt"))]
    _leave([" ".join(book[at : at + 200]) for book in words for at in range(0, len(book) - 200, 2000)])


def _leave(texts: list[str]) -> None:
    """Check that at most 0.5% of the texts have a finding that is not what the mask itself bans."""
    for target in (POTTER, EINSTEIN, EIFFEL, YRSA, ZEFERINO, MEHRANGIZ):
        reader = verifier(target)
        stopped = [text[:80] for text in texts if {one.kind for one in reader.findings(text)} - {"exact"}]
        assert len(stopped) <= 0.005 * len(texts), (target.id, stopped)
