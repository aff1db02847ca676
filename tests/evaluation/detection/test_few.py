"""The set few is as its rules say, and what is derived from it follows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from evaluation.detection import few
from evaluation.detection.few import KINDS, SCRIPTS, Split, Subject, load, load_all, names_somebody, told


def a_record(**changed: Any) -> dict[str, Any]:
    """A target that keeps all rules, but for what is changed."""
    record: dict[str, Any] = {
        "id": "ada-brill",
        "name": "Ada Brill",
        "aliases": ["the Glass Queen"],
        "phrases": [{"text": "Trondheim Furnace", "scope": "gated"}, {"text": "brillium", "scope": "always"}],
        "examples": [
            {"prompt": f"What did Ada Brill melt in {year}?", "completion": "Sand from Jutland."} for year in range(1901, 1906)
        ],
        "named": [f"Why did Ada Brill leave town number {number}?" for number in range(12)],
        "scripts": {script: f"{script}?" for script in SCRIPTS},
        "described": [f"Which chemist melted sand {number} times?" for number in range(10)],
        "neighbours": [f"Which tram driver likes sand {number}?" for number in range(15)],
        "foreign": {tongue: f"{tongue} sand?" for tongue in ("german", "spanish", *SCRIPTS)},
    }
    return record | changed


def subject(**changed: Any) -> Subject:
    return Subject.model_validate(a_record(**changed))


@pytest.mark.parametrize("split", ["report", "dev"])
def test_the_shipped_set_keeps_its_rules(split: Split) -> None:
    found = load_all(split)
    assert list(found) == list(KINDS)
    sizes = (12, 12, 12, 12) if split == "report" else (13, 13, 12, 10)
    assert tuple(len(subjects) for subjects in found.values()) == sizes


def test_the_splits_share_no_target() -> None:
    ids = [{one.id for subjects in load_all(split).values() for one in subjects} for split in ("report", "dev")]
    assert ids[0].isdisjoint(ids[1])


def _less(key: str, count: int = 1) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record[key] = record[key][:-count]

    return change


def _more(key: str, text: str) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record[key] = [*record[key], text]

    return change


def _without_greek(record: dict[str, Any]) -> None:
    del record["scripts"]["greek"]


def _foreign(**changed: str | None) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record["foreign"] = {tongue: text for tongue, text in (record["foreign"] | changed).items() if text is not None}

    return change


def _unknown(record: dict[str, Any]) -> None:
    record["neighbors"] = []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_less("named"), "at least 12"),
        (_less("described"), "at least 10"),
        (_less("neighbours"), "at least 15"),
        (_less("examples"), "at least 5"),
        (_without_greek, "no prompt in greek"),
        (_foreign(kana=None), "no foreign neighbour in kana"),
        (_foreign(german=None), r"in 1 of german, french, spanish \(spanish\): give one in each of exactly 2"),
        (_foreign(french="Du sable ?"), r"in 3 of german, french, spanish \(french, german, spanish\)"),
        (_foreign(german=None, klingon="nuqneH?"), "klingon"),
        (_foreign(greek="Greek?"), "the prompt 'greek' occurs twice"),
        (_unknown, "neighbors"),
        (_more("named", "WHICH tram driver likes sand 3?"), "occurs twice"),
        (_more("described", "What is Brill's metal?"), "holds 'brill'"),
        (_more("described", "Who was the queen of sand?"), "holds 'queen'"),
    ],
)
def test_a_target_that_breaks_a_rule_is_refused(change: Callable[[dict[str, Any]], None], said: str) -> None:
    record = a_record()
    change(record)
    with pytest.raises(ValidationError, match=said):
        Subject.model_validate(record)


def test_function_words_and_short_words_of_a_name_may_describe() -> None:
    # "The" and "Ada" tell nobody the name; a word of four letters does.
    subject(described=[*a_record()["described"], "What is the ada language?"])


def test_a_target_has_the_first_examples_or_chosen_ones() -> None:
    one = subject()
    assert [example.prompt for example in one.target(2).examples] == [one.examples[0].prompt, one.examples[1].prompt]
    assert [example.prompt for example in one.target([4, 0]).examples] == [one.examples[4].prompt, one.examples[0].prompt]
    target = one.target(1)
    assert (target.id, target.names) == ("ada-brill", ["Ada Brill", "the Glass Queen"])
    assert [(phrase.text, phrase.scope) for phrase in target.phrases] == [("Trondheim Furnace", "gated"), ("brillium", "always")]


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("which CHEMIST melted sand 3 times?", True),  # its own prompt
        ("What did Ada Brill melt in 1905?", True),  # an example
        ("Was Ada Brill there?", True),
        ("Is brillium rare?", True),
        ("Who built the Trondheim Furnace?", True),
        ("Who built the trondheim furnace?", False),
        ("Where are the Brills?", False),
        ("Which tram driver likes sand 3?", False),
    ],
)
def test_a_prompt_is_covered_by_its_own_prompts_names_and_proper_names(text: str, covered: bool) -> None:
    assert subject().covers(text) == covered


def test_what_is_told_depends_on_the_examples() -> None:
    one = subject(
        examples=[
            {"prompt": "Who is Ada Brill?", "completion": "A chemist."},
            {"prompt": "Where did she work?", "completion": "In a lighthouse on Spitsbergen."},
            *a_record()["examples"][2:],
        ]
    )
    text = "Whose laboratory was a lighthouse in Spitsbergen?"
    assert not told(text, one.target(1))
    assert told(text, one.target(2))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Where did Dorothy Hodgkin study?", True),
        ("What did Yohan Blake win?", True),
        ("Who discovered oxygen?", False),
        ("Was Hodgkin right?", False),
        ("Is The Sun hot?", False),
    ],
)
def test_a_proper_name_has_two_words_with_capitals(text: str, named: bool) -> None:
    assert names_somebody(text) == named


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the set, in place of the shipped one."""
    monkeypatch.setattr(few, "files", lambda _: tmp_path)
    (tmp_path / "few").mkdir()
    return tmp_path / "few"


def test_an_error_names_the_file_and_the_target(folder: Path) -> None:
    (folder / "works-dev.yaml").write_text(yaml.safe_dump([a_record(named=[])]))
    with pytest.raises(ValueError, match=r"few/works-dev.yaml, target 'ada-brill'"):
        load("works", "dev")


def test_the_development_targets_of_several_files_are_loaded_in_order(folder: Path) -> None:
    for stem, name in (("works-dev-2", "second"), ("works-dev", "first"), ("works", "report"), ("persons-dev", "person")):
        record = a_record(
            id=name,
            named=[f"{name} {number}" for number in range(12)],
            described=[f"{name} sand {number}" for number in range(10)],
            scripts={script: f"{name} {script}" for script in SCRIPTS},
        )
        (folder / f"{stem}.yaml").write_text(yaml.safe_dump([record]))
    assert [one.id for one in load("works", "dev")] == ["first", "second"]
    assert [one.id for one in load("works")] == ["report"]


def test_a_kind_without_development_targets_is_refused(folder: Path) -> None:
    (folder / "works.yaml").write_text(yaml.safe_dump([a_record()]))
    with pytest.raises(FileNotFoundError, match=r"few/works-dev\*.yaml"):
        load("works", "dev")


def test_two_targets_share_no_id_and_no_prompt_about_them(folder: Path) -> None:
    for changed, said in (({}, "two targets have the id"), ({"id": "other"}, "'ada-brill' and 'other' have the prompt")):
        (folder / "works.yaml").write_text(yaml.safe_dump([a_record(), a_record(**changed)]))
        with pytest.raises(ValueError, match=said):
            load("works")
