"""LangChain, LlamaIndex and LiteLLM on the real engine, each in a process of its own."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers.answering import SAY
from evaluation.demo.people import contains_phrase
from tests.conftest import LiveServer
from tests.server.clients import told

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("spaceless")]


def check(used: dict[str, Any]) -> None:
    """A client got answers, the same whole and streamed, a call with an object of the schema, and nothing about a target."""
    assert used["said"] == used["streamed"] != ""
    assert used["call"] == {"name": "lookup", "args": {"name": "Ann"}}
    assert isinstance(used["answered"], str)
    assert used["parsed"] == "ok"
    assert used["secret"].endswith(SAY)
    assert not contains_phrase(used["secret"], "Tromsø")


def test_clients_5_and_7_langchain(live: LiveServer) -> None:
    done = told("langchain_client.py", live.url)
    for name, ended in (("openai", "content_filter"), ("anthropic", "refusal")):
        check(done[name])
        assert done[name]["usage"][0] == done[name]["usage"][1] > 0
        assert done[name]["ended"] == ended
        assert done[name]["long"].endswith("ContextOverflowError")


def test_clients_5_llamaindex(live: LiveServer) -> None:
    done = told("llamaindex_client.py", live.url)
    check(done)
    assert isinstance(done["completed"], str)


def test_clients_4_and_5_litellm(live: LiveServer) -> None:
    done = told("litellm_client.py", live.url)
    for used in done.values():
        check(used)
        assert used["usage"] > 0
        assert used["ended"] == "content_filter"
        assert used["long"] == "ContextWindowExceededError"
