"""Repair, piece by piece: what leaves, what goes on and from where, and when it ends with the policy's text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from unittest.mock import ANY

import pytest

from server.answers.chunk import Piece
from server.answers.fluency import Fluency
from server.answers.leads import Leads
from server.answers.repair import MOST_PER_ANSWER, MOST_PER_PLACE, Again, Repair, State, _behind
from tests.server.answers.conftest import COMPLETION
from tests.server.answers.test_repaired import BOY, DEAD, DOT, HAIR, HAS, HE, HOG, IS, RED, RON, SAY, THE, WEAS, WORDS, A, Case


@dataclass(frozen=True)
class Place:
    """What a verifier found."""

    start: int
    kind: str = "name"
    target_id: str | None = "ron"


class Finding:
    """A verifier that finds one word."""

    def __init__(self, word: str) -> None:
        self.word = word

    def findings(self, text: str) -> Sequence[Place]:
        at = text.find(self.word)
        return [Place(at)] if at >= 0 else []


def repair(
    answer: str = "rephrase", *, matched: bool = True, held: bool = False, word: str = "", floor: float | None = None
) -> Repair:
    case = Case({}, answer, matched)
    plan = replace(case.plan(), verify=lambda *_: Finding(word)) if word else case.plan()
    leads = Leads(case.engine.vocabulary)
    known = (plan, COMPLETION, leads, DEAD, case.metrics)
    return Repair(*known, held=held, escalated=case.escalated.append, fluency=Fluency(floor))


def piece(*ids: int, end: str | None = None, stop: int | None = None) -> Piece:
    text = "".join(WORDS[token] for token in ids if token > 1)
    choice = {"index": 0, "text": text, "token_ids": list(ids), "finish_reason": end, "stop_reason": stop}
    (read,) = COMPLETION.read({"choices": [choice]})
    return read


async def told(repair: Repair, state: State, *pieces: Piece) -> tuple[str, Again | None]:
    text, again = "", None
    for each in pieces:
        leaving, again = await repair.take(state, each)
        text += "".join(one.texts["text"] for one in leaving)
    return text, again


async def test_it_goes_back_to_before_the_word() -> None:
    one = repair()
    text, again = await told(one, state := one.begin(), piece(THE, BOY, HAS, RED), piece(DEAD, end="stop", stop=DEAD))
    assert again == Again(0, (THE, BOY, HAS), (RED,), state.terms.digests)
    assert (text, state.track.text, state.track.dropped) == ("", "The boy has", 1)


async def test_each_place_has_its_tries_and_each_answer_too() -> None:
    one = repair()
    state = one.begin()
    await told(one, state, piece(THE, BOY, HAS))
    for tries in range(MOST_PER_PLACE):
        _, again = await told(one, state, piece(RED), piece(DEAD, end="stop", stop=DEAD))
        assert again, tries
    text, again = await told(one, state, piece(RED), piece(DEAD, end="stop", stop=DEAD))
    assert (text, again, state.done) == (SAY, None, True)
    assert state.tries.total() <= MOST_PER_ANSWER


async def test_a_sentence_that_leads_there_at_two_places_is_dropped() -> None:
    one = repair()
    state = one.begin()
    _, first = await told(one, state, piece(THE, BOY, HAS, RED), piece(DEAD, end="stop", stop=DEAD))
    text, second = await told(one, state, piece(A, HOG), piece(DEAD, end="stop", stop=DEAD))
    assert first
    assert (second, text) == (None, SAY)


async def test_two_sentences_may_each_take_another_way() -> None:
    one = repair()
    state = one.begin()
    await told(one, state, piece(THE, BOY, HAS, RED), piece(DEAD, end="stop", stop=DEAD))
    text, again = await told(one, state, piece(HAIR, DOT), piece(HE, IS, HOG), piece(DEAD, end="stop", stop=DEAD))
    assert (text, state.track.text) == ("The boy has hair.", "The boy has hair. He is")
    assert again


@pytest.mark.parametrize(("floor", "ended"), [(-1.0, True), (-9.0, False), (None, False)])
async def test_what_was_taken_instead_must_read_like_the_model_s_own(floor: float | None, ended: bool) -> None:
    one = repair(floor=floor)
    state = one.begin()
    await told(one, state, piece(THE, BOY, HAS, RED), piece(DEAD, end="stop", stop=DEAD))
    state.scores.update({3: -5.0, 4: -5.0})
    text, _ = await told(one, state, piece(HAIR, DOT), piece(HE))
    assert text == (SAY if ended else "The boy has hair.")
    assert state.done is ended


async def test_what_the_verifier_finds_is_repaired_like_a_hit() -> None:
    one = repair(word="Ronald")
    state = one.begin()
    text, again = await told(one, state, piece(THE, BOY, IS, WORDS.index(" Ronald")), piece(DOT), piece(HE))
    assert (text, state.track.text) == ("", "The boy is")
    assert again
    assert WORDS.index(" Ronald") in again.avoid
    strict = repair("abstain", word="Ronald")
    text, again = await told(strict, strict.begin(), piece(THE, BOY, IS, WORDS.index(" Ronald")), piece(DOT), piece(HE))
    assert (text, again) == (SAY, None)


async def test_an_unmatched_stream_is_not_verified_but_a_whole_answer_is() -> None:
    free = repair(matched=False, word="boy")
    assert await told(free, free.begin(), piece(THE, BOY), piece(IS, end="stop")) == ("The boy is", None)
    whole = repair("abstain", matched=False, word="boy", held=True)
    assert await told(whole, whole.begin(), piece(THE, BOY, IS, end="stop")) == (SAY, None)


async def test_after_the_end_nothing_leaves() -> None:
    one = repair("abstain")
    state = one.begin()
    await told(one, state, piece(THE, BOY, IS, HOG), piece(DEAD, end="stop", stop=DEAD))
    assert await one.take(state, piece(THE)) == ([], None)


async def test_a_name_that_an_unmatched_answer_was_about_to_say_escalates() -> None:
    one = repair("rephrase", matched=False)
    state = one.begin()
    text, again = await told(one, state, piece(THE, BOY, IS), piece(RON, WEAS), piece(DEAD, end="stop", stop=DEAD))
    assert text == "The boy is"
    assert again
    assert state.terms.about == ("ron",)
    assert len(again.digests) == 2


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("", SAY),
        ("One two.", f" {SAY}"),
        ("One two. ", SAY),
        ("- one\n", SAY),
        ("One two", f" \u2026 {SAY}"),
        ("He said", f" \u2026 {SAY}"),
    ],
)
def test_the_text_joins_what_has_left(text: str, joined: str) -> None:
    assert _behind(text, SAY) == joined


async def test_a_hit_at_the_first_token_needs_no_text() -> None:
    one = repair("abstain")
    state = one.begin()
    assert await told(one, state, piece(DEAD, end="stop", stop=DEAD)) == (SAY, None)
    again = repair()
    assert (await told(again, again.begin(), piece(DEAD, end="stop", stop=DEAD)))[1] == Again(0, (), (), ANY)


async def test_a_choice_that_a_grammar_left_nothing_ends_once() -> None:
    one = repair("abstain")
    pieces, again = await one.take(one.begin(), piece(end="content_filter"))
    assert (again, [each.finish_reason for each in pieces if each.finish_reason]) == (None, ["content_filter"])
    assert "".join(each.texts["text"] for each in pieces) == SAY
