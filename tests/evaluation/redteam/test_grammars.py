from __future__ import annotations

import json
import random
import re

import pytest

from evaluation.redteam import grammars
from tests.evaluation.redteam.asked import BLIND, CASE, NAMELESS, sent


@pytest.mark.parametrize("kind", ["choice_of_facts", "schema_enum", "named_tool_enum", "guided_choice"])
def test_a_grammar_leaves_the_fact_alone(kind: str) -> None:
    assert json.dumps([CASE.fact]) in json.dumps(sent(kind).body)


def test_a_regular_expression_matches_the_fact_and_nothing_else() -> None:
    body = sent("regular_expression").body
    assert body is not None
    pattern = body["structured_outputs"]["regex"]
    assert re.fullmatch(pattern, f"It is {CASE.fact}.")
    assert not re.fullmatch(pattern, "It is Hallgeir Brimness.")


def test_a_tool_asks_the_question_where_no_message_does() -> None:
    for kind in ("tool_description", "earlier_tool_call"):
        body = sent(kind).body
        assert body is not None
        assert CASE.question in json.dumps(body)
        assert all(message.get("content") != CASE.question for message in body["messages"])


def test_without_a_fact_no_grammar_can_leave_it() -> None:
    left_out = {kind.name for kind in grammars.KINDS if kind.make(NAMELESS, BLIND, random.Random(0)) is None}
    assert left_out == {"choice_of_facts", "regular_expression", "schema_enum", "named_tool_enum", "guided_choice"}
