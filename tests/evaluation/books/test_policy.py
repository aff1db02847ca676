from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from evaluation.books.muse import FOLDS, Continuation, Muse
from evaluation.books.policy import policy, runs
from evaluation.pairs import QAPair
from server.policy.file import load_policy

TEXT = "Alice was beginning to get very tired of sitting by her sister on the bank"
QUESTIONS = [QAPair("Who was tired?", "Alice."), QAPair("Where did she sit?", "On the bank.")]
MUSE = Muse({"forget": QUESTIONS, "retain": QUESTIONS}, [Continuation("Alice was", "beginning")], {}, {FOLDS[-1]: [TEXT]}, {})


def test_each_run_once() -> None:
    assert runs(["a", "b", "a", "b", "a"], 2) == ["a b", "b a"]
    assert runs(["a"], 2) == []


@pytest.mark.parametrize("way", ["abstain", "rephrase", "mask", "refuse"])
def test_the_server_reads_the_policy(way: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy(MUSE, "Alice", way, 8)))
    (target,) = load_policy(path).targets
    assert [phrase.text for phrase in target.phrases] == runs(TEXT.split(), 8)
    assert (target.action.value == "refuse") == (way == "refuse")
    assert len(target.examples) == 2


def test_a_long_book_is_several_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.books.policy._PHRASES", 5)
    targets = policy(MUSE, "Alice", "mask", 8)["targets"]
    assert [len(target["phrases"]) for target in targets] == [5, 3]
    assert [target["examples"][0]["prompt"] for target in targets] == ["Who was tired?", "Where did she sit?"]
