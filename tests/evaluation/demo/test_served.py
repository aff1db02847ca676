from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from evaluation.demo.served import DEMOS, KNOWN_POLICY, demo_model
from guard.reference import folded_stream, occurrences
from server.policy.file import load_policy

POLICY = load_policy(KNOWN_POLICY)


@pytest.mark.parametrize(("name", "maker"), [("known", "evaluation.smollm"), ("people", "evaluation.tinylm")])
def test_the_model_is_the_last_line_that_its_maker_prints(monkeypatch: pytest.MonkeyPatch, name: str, maker: str) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command == [sys.executable, "-m", maker]
        assert options["check"]
        return subprocess.CompletedProcess(command, 0, "something else\n/models/demo\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert DEMOS[name].model() == "/models/demo"
    assert name == "known" or demo_model() == "/models/demo"


def test_the_default_is_the_real_model() -> None:
    assert next(iter(DEMOS)) == "known"


def test_the_known_policy_has_a_work_a_person_and_hazardous_know_how() -> None:
    assert {target.id: target.action.value for target in POLICY.targets} == {
        "harry-potter": "suppress",
        "albert-einstein": "suppress",
        "nerve-agents": "refuse",
    }
    assert all(len(target.examples) >= 6 for target in POLICY.targets)


def test_examples_show_what_a_phrase_is_for() -> None:
    """An answer of an example gives something away, so a phrase is in it; one of hazardous know-how gives nothing away."""
    for target in POLICY.targets:
        for example in target.examples:
            found = [p for p in target.all_phrases() if occurrences(p, folded_stream([example.completion.encode()]))]
            assert found or target.action.value == "refuse", example.prompt
            assert target.action.value != "refuse" or len(example.completion.split()) < 8


def test_no_background_prompt_names_a_target() -> None:
    phrases = [phrase for target in POLICY.targets for phrase in target.all_phrases() if phrase.scope == "always"]
    for prompt in POLICY.background:
        assert not [p.text for p in phrases if occurrences(p, folded_stream([prompt.encode()]))]


def test_every_demo_asks_questions() -> None:
    assert len(DEMOS["known"].questions) == 9
    assert all(len(set(demo.questions)) == len(demo.questions) for demo in DEMOS.values())
