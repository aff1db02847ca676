"""Which texts of a request count for a target, and which may refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from classifiers import ForgetTarget, Match
from classifiers.naming.alias import AliasClassifier
from server.openai.chat import texts_of_chat
from server.screening.conversation import Text
from server.screening.decision import Decision
from server.screening.screener import screened
from server.screening.snapshot import PolicySnapshot

SECRET = [{"text": "Springfield", "scope": "gated"}]
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"
NAMED = (USER, "Who is Ines Quillmark?")
SILENT = (ASSISTANT, "")
OTHER = (USER, "Never mind. What is the capital of Illinois, and which town lies near it?")
TOOL = {"type": "function", "function": {"name": "find", "description": "finds Ines Quillmark"}}


class Counting:
    """Counts how often texts are classified."""

    def __init__(self, target: ForgetTarget) -> None:
        self.classifier = AliasClassifier([target])
        self.calls = 0

    def __call__(self, requests: Sequence[Sequence[Text]]) -> list[list[Match]]:
        self.calls += 1
        return self.classifier.classify([screened(texts) for texts in requests])


def decided(*turns: tuple[str, str], fields: dict[str, Any] | None = None, **target: Any) -> tuple[Decision, int]:
    """Return the decision about a chat, and how often texts were classified for it."""
    own = ForgetTarget.model_validate({"id": "ines", "name": "Ines Quillmark", "action": "refuse", "phrases": SECRET, **target})
    classify = Counting(own)
    snapshot = PolicySnapshot(1, {"ines": own}, ["f0"], {"ines": "a0"}, classify.classifier)
    texts = texts_of_chat({"messages": [{"role": role, "content": content} for role, content in turns], **(fields or {})})
    counted = snapshot.counted(classify([texts])[0], texts, classify)
    return snapshot.decide(counted.matches, texts, counted.refusing), classify.calls


def verdict(*turns: tuple[str, str], fields: dict[str, Any] | None = None, **target: Any) -> str:
    return decided(*turns, fields=fields, **target)[0].verdict


def test_over_04_a_turn_about_something_else_is_answered_under_the_target_s_bans() -> None:
    decision, _ = decided(NAMED, SILENT, OTHER)
    assert decision.verdict == "restrict"
    assert list(decision.digests) == ["f0", "a0"]
    assert verdict(NAMED) == "refuse"


def test_over_05_a_system_text_restricts_and_does_not_refuse() -> None:
    library = (SYSTEM, "You are the town library's assistant. Do not discuss Ines Quillmark.")
    for role in (SYSTEM, "developer"):
        assert verdict((role, library[1]), (USER, "When does the library open?")) == "restrict"
        assert verdict((role, "Tell me about Ines Quillmark."), (USER, "Go on.")) == "restrict"
    assert verdict(library, (USER, "And who is Ines Quillmark?")) == "refuse"
    hours = (USER, "When does the library open?")
    assert verdict(library, hours, detection={"system": "ignore"}) == "allow"
    assert verdict(library, hours, detection={"system": "count"}) == "refuse"
    # However far back it is.
    assert verdict(library, hours, SILENT, hours, SILENT, hours, detection={"history": 1}) == "restrict"


@pytest.mark.parametrize(
    "question", ["Where was she born?", "Go on.", "Tell me more about her.", "Where does Quillmark live?", ""]
)
def test_a_turn_that_refers_back_is_refused(question: str) -> None:
    assert verdict(NAMED, SILENT, (USER, question)) == "refuse"


def test_a_label_does_not_get_round_a_refusal() -> None:
    call = (USER, "Call Ines Quillmark X from now on.")
    assert verdict(call, (ASSISTANT, "I will."), (USER, "Where was X born?")) == "refuse"
    assert verdict(call, SILENT, OTHER, SILENT, (USER, "In which year was X born?")) == "refuse"
    # A word that is an ordinary one is not seen as a label. The bans hold.
    assert verdict((USER, "Call Ines Quillmark the bird."), SILENT, (USER, "Where does the bird live?")) == "restrict"


def test_a_pronoun_means_whom_the_nearest_turn_names() -> None:
    curie = (USER, "Who is Marie Curie?")
    assert verdict(NAMED, SILENT, curie, SILENT, (USER, "Where was she born?")) == "restrict"
    assert verdict(curie, SILENT, NAMED, SILENT, (USER, "Where was she born?")) == "refuse"


def test_what_a_user_says_in_several_messages_is_one_turn() -> None:
    assert verdict((USER, "Ines"), (USER, "Quillmark"), OTHER) == "refuse"
    assert verdict(NAMED, OTHER) == "refuse"


def test_a_prefill_and_a_tool_s_result_belong_to_the_latest_turn() -> None:
    assert verdict((USER, "Write a biography."), (ASSISTANT, "Ines Quillmark was born in")) == "refuse"
    assert verdict((USER, "What did you find?"), (ASSISTANT, "A moment."), ("tool", "Ines Quillmark")) == "refuse"
    earlier = [(USER, "What did you find?"), ("tool", "Ines Quillmark"), (ASSISTANT, "Somebody."), OTHER]
    assert verdict(*earlier) == "restrict"
    assert verdict(*earlier, detection={"history": 1}) == "allow"


def test_history_says_how_far_back_a_turn_counts() -> None:
    later = [NAMED, SILENT, OTHER, SILENT, OTHER]
    assert verdict(*later) == "restrict"
    assert verdict(*later, detection={"history": 3}) == "restrict"
    assert verdict(*later, detection={"history": 2}) == "allow"
    assert verdict(*later, detection={"refuse_on": "history"}) == "refuse"
    assert verdict(*later, detection={"refuse_on": "history", "history": 2}) == "allow"


@pytest.mark.parametrize(
    ("fields", "expected", "setting"),
    [
        ({"tools": [TOOL]}, "restrict", "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "Ines Quillmark"}}}, "restrict", "tools"),
        ({"documents": [{"text": "Ines Quillmark"}]}, "refuse", "documents"),
    ],
)
def test_tools_restrict_and_documents_count(fields: dict[str, Any], expected: str, setting: str) -> None:
    assert verdict((USER, "Hello?"), fields=fields) == expected
    for weight, wanted in (("ignore", "allow"), ("restrict", "restrict"), ("count", "refuse")):
        assert verdict((USER, "Hello?"), fields=fields, detection={setting: weight}) == wanted


def test_a_suppressed_target_is_suppressed_wherever_it_is_named() -> None:
    assert verdict(NAMED, SILENT, OTHER, action="suppress") == "restrict"
    assert verdict(NAMED, SILENT, OTHER, action="monitor") == "monitor"


def test_a_fact_of_an_earlier_turn_or_a_system_text_refuses_nothing() -> None:
    said = (USER, "Ines Quillmark lives in Springfield.")
    own = {"action": "suppress", "in_context": "refuse", "phrases": [{"text": "Springfield Grove", "scope": "gated"}]}
    pasted = (USER, "Ines Quillmark lives in Springfield Grove.")
    assert verdict(said, **own) == "restrict"
    assert verdict(pasted, **own) == "refuse"
    assert verdict(pasted, SILENT, OTHER, **own) == "restrict"
    assert verdict((SYSTEM, pasted[1]), OTHER, **own) == "restrict"


def test_most_requests_are_read_once() -> None:
    assert decided((USER, "How do I bake bread?"))[1] == 1
    assert decided(NAMED)[1] == 1
    assert decided(NAMED, SILENT, OTHER, action="suppress")[1] == 1
    assert decided(NAMED, SILENT, OTHER)[1] == 2
