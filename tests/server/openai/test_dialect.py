"""What all dialects do: name the restrictions, and split a request into one call per choice."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers import Match
from server.errors import BadRequest
from server.openai.chat import CHAT
from server.openai.completions import COMPLETIONS
from server.openai.dialect import Dialect
from server.screening.decision import Decision

DIGEST = "a" * 64
DEAD_END = 3


@pytest.mark.parametrize("dialect", [CHAT, COMPLETIONS])
def test_the_server_alone_names_the_restrictions(dialect: Dialect) -> None:
    body = {"model": "m", "vllm_xargs": {"guard": []}, "stop_token_ids": [9], "user": "u", "store": False}
    decision = Decision("restrict", (DIGEST,), (Match("hatter", 1.0, "name", "alias"),))
    assert dialect.restricted(body, decision, DEAD_END) == {
        "model": "m",
        "user": "u",
        "vllm_xargs": {"guard": [DIGEST], "guard_id": decision.id},
        "stop_token_ids": [9, DEAD_END],
    }


def test_an_unrestricted_request_has_no_dead_end() -> None:
    assert CHAT.restricted({"model": "m"}, Decision("allow", ()), DEAD_END) == {"model": "m", "vllm_xargs": {"guard": []}}


@pytest.mark.parametrize("stops", [5, "ab", {"a": 1}])
def test_stop_token_ids_are_a_list(stops: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        CHAT.restricted({"stop_token_ids": stops}, Decision("refuse", ()), DEAD_END)
    assert caught.value.param == "stop_token_ids"


@pytest.mark.parametrize(
    ("fields", "constrained"),
    [
        ({}, False),
        ({"tools": [], "response_format": None}, False),
        ({"response_format": {"type": "json_object"}}, True),
        ({"structured_outputs": {"choice": ["a"]}}, True),
        ({"tools": [{"type": "function"}]}, True),
    ],
)
def test_a_grammar_shows_in_the_fields(fields: dict[str, Any], constrained: bool) -> None:
    assert CHAT.constrained(fields) is constrained
    silenced = CHAT.silenced({"model": "m", **fields})
    assert silenced == {"model": "m", "vllm_xargs": {"guard": ["refuse"]}}


def split(dialect: Dialect, **body: Any) -> list[tuple[int, int, Any, Any, Any]]:
    return [(c.number, c.prompt, c.body.get("prompt"), c.body.get("n"), c.body.get("seed")) for c in dialect.calls(body)]


def test_one_choice_of_one_prompt_stays_one_call() -> None:
    assert split(COMPLETIONS, prompt="a", seed=1) == [(0, 0, "a", None, 1)]
    assert split(COMPLETIONS, prompt=[5, 6]) == [(0, 0, [5, 6], None, None)]
    assert split(CHAT) == [(0, 0, None, None, None)]


def test_choices_are_numbered_prompt_by_prompt() -> None:
    assert split(COMPLETIONS, prompt=["a", "b"], n=2) == [
        (0, 0, "a", 1, None),
        (1, 0, "a", 1, None),
        (2, 1, "b", 1, None),
        (3, 1, "b", 1, None),
    ]
    assert split(COMPLETIONS, prompt=[[5], [6, 7]]) == [(0, 0, [5], 1, None), (1, 1, [6, 7], 1, None)]


def test_each_choice_has_the_seed_that_vllm_gives_it() -> None:
    assert [seed for *_, seed in split(CHAT, n=3, seed=7)] == [7, 8, 9]
    assert [seed for *_, seed in split(CHAT, n=2, seed=2**63 - 1)] == [2**63 - 1, -(2**63)]
    assert [seed for *_, seed in split(CHAT, n=2, seed=-1)] == [-1, -1]


@pytest.mark.parametrize("fields", [{"n": 0}, {"n": "x"}, {"n": 2, "temperature": 0}, {"n": 10**6}, {"n": 2, "seed": "x"}])
def test_what_vllm_refuses_stays_in_one_piece(fields: dict[str, Any]) -> None:
    (call,) = CHAT.calls(fields)
    assert call.body == fields


def test_hints_are_added_to_chats_alone() -> None:
    decision = Decision("restrict", (DIGEST,), hints=("Be careful.",))
    messages = [{"role": "user", "content": "Hatta?"}]
    asked = CHAT.restricted({"messages": messages}, decision, DEAD_END)
    assert asked["messages"] == [{"role": "system", "content": "Be careful."}, *messages]
    assert len(messages) == 1
    assert "messages" not in COMPLETIONS.restricted({"prompt": "Hatta?"}, decision, DEAD_END)
    assert COMPLETIONS.restricted({"prompt": "Hatta?"}, decision, DEAD_END)["prompt"] == "Hatta?"
