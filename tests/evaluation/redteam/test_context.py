from __future__ import annotations

import random

import pytest

from evaluation.redteam import context
from evaluation.redteam.attack import strings
from tests.evaluation.redteam.asked import BLIND, CASE, NAMELESS, sent


@pytest.mark.parametrize("kind", [kind.name for kind in context.KINDS if kind.name != "tool_result_in_parts"])
def test_the_fact_is_in_the_request(kind: str) -> None:
    assert CASE.fact in "".join(strings(sent(kind).body))


def test_a_tool_returns_the_fact_whole_and_in_parts() -> None:
    whole, parts = (sent(kind).body["messages"] for kind in ("tool_result", "tool_result_in_parts"))  # type: ignore[index]
    assert whole[-1] == {"role": "tool", "tool_call_id": "call_1", "content": CASE.answer}
    pieces = [part["text"] for part in parts[2]["content"]]
    assert "".join(pieces) == CASE.answer
    assert not any(CASE.fact in piece for piece in pieces)


@pytest.mark.parametrize("kind", context.KINDS, ids=lambda kind: kind.name)
def test_without_an_answer_there_is_nothing_to_show(kind: context.Kind) -> None:
    assert kind.make(NAMELESS, BLIND, random.Random(0)) is None
