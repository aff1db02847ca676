"""What a prompt says of the targets that it is about."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from classifiers import ForgetTarget
from classifiers.action import Action
from classifiers.answering import Answering, Echo, InContext
from guard.phrase import Phrase
from server.screening import mentions as module
from server.screening.mentions import MOST_ALLOWED, _kept, mentions, without

FACTS = [
    {"text": text, "scope": "gated"} for text in ("Kirkby Mallory", "10 December 1815", "Lady Lovelace", "Edda Kettil", "1843")
]
ECHO, BAN = Answering(), Answering(echo=Echo.BAN)
PASTED, REFUSED = Answering(in_context=InContext.ALLOW), Answering(in_context=InContext.REFUSE)


def target(**fields: Any) -> ForgetTarget:
    return ForgetTarget.model_validate(
        {"id": "ada", "name": "Ada Kettil", "aliases": ["A. B. Hrafnkel"], "phrases": FACTS} | fields
    )


ADA = target()


def allowed(text: str, answering: Answering, *targets: ForgetTarget) -> set[str]:
    """Return the patterns of what an answer may say."""
    found = mentions(text, [(one, answering) for one in targets or (ADA,)])
    return {Phrase(said, force=True).pattern for said in found.allowed}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Who was Ada Kettil?", {"ada kettil", "kettil", "kettil ada"}),
        ("ADA  KÉTTIL!", {"ada kettil", "kettil", "kettil ada"}),
        ("Where was Ada Kettils house?", {"ada kettil", "kettil", "kettil ada"}),
        ("Kettil, Ada", {"ada kettil", "kettil", "kettil ada"}),
        ("Tell me about Kettil.", {"kettil"}),
        ("What did Hrafnkel do?", {"hrafnkel"}),
    ],
)
def test_a_name_in_the_prompt_may_be_said(text: str, said: set[str]) -> None:
    assert said <= allowed(text, ECHO)
    assert allowed(text, ECHO) <= {form.pattern for form in ADA.all_phrases()} - {"kirkby mallory", "lady lovelace", "1843"}
    assert allowed(text, BAN) == set()


def test_a_part_of_a_name_may_be_said_in_the_plural() -> None:
    assert allowed("Who is Potter?", ECHO, target(name="Harry Potter", aliases=[])) == {"potter", "potters"}


def test_a_part_of_a_name_does_not_allow_the_rest() -> None:
    assert "ada kettil" not in allowed("Tell me about Kettil.", ECHO)
    assert "a b hrafnkel" not in allowed("What did Hrafnkel do?", ECHO)


def test_a_shortened_name_does_not_allow_the_whole_one() -> None:
    long = target(name="Joanne Vesna Hrafnkel", aliases=[])
    assert "joanne vesna hrafnkel" not in allowed("What did J. V. Hrafnkel write?", ECHO, long)
    assert "j v hrafnkel" in allowed("What did J. V. Hrafnkel write?", ECHO, long)
    assert "j v hrafnkel" in allowed("What did Joanne Vesna Hrafnkel write?", ECHO, long)


@pytest.mark.parametrize(
    "text",
    [
        "a-d-a k-e-t-t-i-l",
        "A d a  K e t t i l",
        "4da K3ttil",
        "Adakettil",
        "Ada Kettilson",
        "Was it in Kirkby Mallory in 1843?",
        "",
    ],
)
def test_what_is_no_name_in_the_prompt(text: str) -> None:
    assert allowed(text, ECHO) == set()


def test_facts_stay_banned_and_a_word_of_a_name_may_be_said_although_a_fact_has_it() -> None:
    """F16: `in_context: suppress`, the default."""
    said = allowed("Was Ada Kettil born in Kirkby Mallory on 10 December 1815?", ECHO)
    assert "kettil" in said
    assert said.isdisjoint({"edda kettil", "kirkby mallory", "10 december 1815", "mallory"})


def test_a_phrase_that_is_a_part_of_a_name_counts_as_the_name() -> None:
    listed = target(phrases=[{"text": "Kettil", "scope": "gated"}, *FACTS])
    assert {"ada kettil", "kettil"} <= allowed("Who was Ada Kettil?", ECHO, listed)
    assert not mentions("Who was Ada Kettil?", [(listed, REFUSED)]).refused


def test_facts_in_the_prompt_may_be_said_where_the_policy_allows_it() -> None:
    """F16: `in_context: allow`."""
    said = allowed("She was born in Kirkby Mallory on December 10, 1815.", PASTED)
    assert {"kirkby mallory", "10 december 1815", "december 10 1815"} <= said
    assert said.isdisjoint({"lady lovelace", "1843", "ada kettil"})


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Ada Kettil was born in Kirkby Mallory. Where was she born?", True),
        ("Ada Kettil was born on December 10, 1815. When?", True),
        ("Who is Ada Kettil?", False),
        ("Is Ada Kettil a Mallory?", False),
    ],
)
def test_a_fact_in_the_prompt_is_refused_where_the_policy_says_so(text: str, refused: bool) -> None:
    """F16: `in_context: refuse`."""
    assert mentions(text, [(ADA, REFUSED)]).refused is refused
    assert not mentions(text, [(ADA, ECHO)]).refused


def test_what_another_target_bans_stays_banned() -> None:
    other = ForgetTarget.model_validate(
        {"id": "bob", "name": "Bob Ulfar", "phrases": [{"text": "Ada Kettil", "scope": "gated"}, {"text": "Zork"}]}
    )
    text = "Did Ada Kettil know Bob Ulfar?"
    both = allowed(text, ECHO, ADA, other)
    assert "bob ulfar" in both
    assert "ada kettil" not in both
    assert "ada kettil" in allowed(text, ECHO, ADA, other.model_copy(update={"action": Action.MONITOR}))


def test_an_action_that_bans_nothing_allows_nothing() -> None:
    assert allowed("Who was Ada Kettil?", ECHO, target(action="monitor")) == set()
    assert allowed("Who was Ada Kettil?", ECHO, target(action="refuse")) != set()


@pytest.mark.parametrize(
    ("fact", "text", "held"),
    [
        ({"text": "Zorkl", "match": "prefix"}, "Ada Kettil of Zorkland", True),
        ({"text": "orkl", "match": "substring"}, "Ada Kettil of Zorkland", True),
        ({"text": "Zorkl"}, "Ada Kettil of Zorkland", False),
        ({"text": "the great Zorkland book", "beta": 0.7}, "Ada Kettil of the great Zorkland", False),
        ({"text": "the great Zorkland book", "beta": 0.7}, "Ada Kettil of the great Zorkland book", True),
        ({"text": "Vesna Zork"}, "Ada Kettil saw Vesna Maria Zork", True),
        ({"text": "Vesna Zork"}, "Ada Kettil saw Vesna and not Zork", False),
    ],
)
def test_where_a_phrase_occurs(fact: dict[str, Any], text: str, held: bool) -> None:
    assert mentions(text, [(target(phrases=[fact]), REFUSED)]).refused is held


def test_there_is_a_most_that_may_be_said() -> None:
    many = target(phrases=[{"text": f"zork{i} blat{i}", "scope": "gated", "forms": []} for i in range(MOST_ALLOWED + 9)])
    text = "Ada Kettil " + " ".join(phrase.text for phrase in many.phrases)
    assert len(mentions(text, [(many, PASTED)]).allowed) == MOST_ALLOWED


def test_it_is_fast_for_many_phrases_and_for_long_texts() -> None:
    many = target(phrases=[{"text": f"zork{i} blat{i}", "scope": "gated", "forms": []} for i in range(10_000)])
    mentions("", [(many, ECHO)])
    for text, most in (("Who was Ada Kettil? " * 5, 0.005), ("Who was Ada Kettil? " * 5_000, 0.2)):
        started = time.perf_counter()
        assert mentions(text, [(many, ECHO)]).allowed
        assert time.perf_counter() - started < most


def test_nothing_of_a_target_that_is_gone_is_kept() -> None:
    gone = target(id="gone")
    mentions("Who was Ada Kettil?", [(gone, ECHO)])
    key = id(gone)
    assert key in _kept
    del gone
    gc.collect()
    assert key not in _kept


def test_what_is_kept_is_of_few_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEPT", 2)
    several = [target(id=f"t{number}") for number in range(4)]
    for one in several:
        assert allowed("Who was Ada Kettil?", ECHO, one) == allowed("Who was Ada Kettil?", ECHO)
    assert len(_kept) <= 2


def test_a_text_without_names() -> None:
    assert without("Write to Sigurjón Þórðarson and ADA.", ["Sigurjón", "Sigurjón Þórðarson", "Ada", "C++"]).split() == [
        "Write",
        "to",
        "and",
        ".",
    ]
    assert without("Hello (you)", ["(you"]) == "Hello  )"
