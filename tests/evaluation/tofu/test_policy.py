from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from classifiers.action import Action
from evaluation.data import TOFU, missing
from evaluation.tofu.policy import WAYS, policy
from server.policy.file import load_policy

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))]


@pytest.mark.parametrize("way", WAYS)
def test_the_server_reads_each_policy(way: str, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(policy("forget01", way, 1), allow_unicode=True))
    (target,) = load_policy(path).targets
    assert (target.action is Action.REFUSE) == (way == "refuse")
    assert len(target.examples) == (0 if way == "always" else 20)
    assert ("gated" in {phrase.scope for phrase in target.phrases}) == (way != "always")
    assert (target.semantic is None) == (way == "lexical")


def test_no_question_about_a_target_is_in_the_background() -> None:
    made = policy("forget10", "mask")
    asked = {example["prompt"] for target in made["targets"] for example in target["examples"]}
    assert len(made["targets"]) == 20
    assert not asked & set(made["background"])
