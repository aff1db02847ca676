from __future__ import annotations

from pathlib import Path

import pytest

from classifiers import shipped_background
from evaluation.data import tofu as load
from evaluation.detection.attacks import ATTACKS
from evaluation.detection.sets import Forget, Innocent, ask, question
from tests.evaluation.detection.conftest import FORGOTTEN, KEPT, SUBJECTS


def test_a_question_is_screened_as_the_server_screens_it() -> None:
    asked = question("Where was she born?", "ada")
    assert asked.target == "ada"
    assert asked.text.text.endswith("Where was she born?")
    assert "Where was she born?" in asked.text.windows
    conversation = ask(
        [
            {"role": "user", "content": "Ada Brill."},
            {"role": "assistant", "content": "Yes?"},
            {"role": "user", "content": "Go on."},
        ]
    )
    assert conversation.target is None
    assert "Ada Brill" in conversation.text.text


def test_each_author_is_a_target_with_twenty_examples(tofu: Path) -> None:
    forget = Forget("forget10")
    assert [target.name for target in forget.targets] == list(FORGOTTEN)
    assert [target.id for target in forget.targets] == ["author-000", "author-001"]
    assert [len(target.examples) for target in forget.targets] == [20, 20]
    assert [one.target for one in forget.original()] == ["author-000"] * 20 + ["author-001"] * 20
    examples = {example.prompt for target in forget.targets for example in target.examples}
    assert not {one.text.text for one in forget.paraphrased()} & examples


def test_an_attack_is_on_a_wording_that_is_no_example_and_repeats(tofu: Path) -> None:
    forget = Forget("forget10")
    assert forget.attacked(ATTACKS["plain"]) == forget.paraphrased()
    assert forget.attacked(ATTACKS["multiple_choice"], 1) == forget.attacked(ATTACKS["multiple_choice"], 1)
    assert forget.attacked(ATTACKS["multiple_choice"], 1) != forget.attacked(ATTACKS["multiple_choice"], 2)


def test_no_prompt_that_is_asked_is_in_the_background_or_a_paraphrase_of_it(tofu: Path) -> None:
    innocent = Innocent.load()
    assert {kind: len(asked) for kind, asked in innocent.asked.items()} == {
        "retain": 30,
        "retain paraphrased": 30,
        "real_authors": 1,
        "world_facts": 2,
    }
    assert len(innocent.background) == len(KEPT) * len(SUBJECTS) // 2
    asked = {one.text.text.strip() for one in innocent.asked["retain"]}
    assert not asked & set(innocent.background)
    paraphrases = {row["question"]: row["paraphrased_question"] for row in load("retain_perturbed", tofu)}
    said = {one.text.text.strip() for one in innocent.asked["retain paraphrased"]}
    assert not said & {paraphrases[text] for text in innocent.background}


def test_the_halves_are_the_whole_and_the_same_each_time(tofu: Path) -> None:
    first, second = Innocent.load().halves()
    assert sorted([*first, *second]) == sorted(shipped_background())
    assert abs(len(first) - len(second)) <= 1
    assert (first, second) == Innocent.load().halves()


def test_every_line_of_a_number_is_taken(tofu: Path) -> None:
    whole, part = Innocent.load(), Innocent.load(4)
    assert part.shipped == whole.shipped[::4]
    assert part.full_background == [*part.shipped, *part.background]
    assert part.background == [line["question"] for line in load("retain90", tofu)[::8]]
    assert len(part.asked["world_facts"]) == 1


def test_a_missing_file_is_an_error(tofu: Path) -> None:
    (tofu / "world_facts.json").unlink()
    with pytest.raises(OSError, match="world_facts"):
        Innocent.load()
