from __future__ import annotations

from dataclasses import replace

import pytest

from evaluation.data import TOFU, missing
from evaluation.demo import contains_phrase
from evaluation.scenarios.probes import (
    AT_ONCE,
    EXAMPLES,
    FEW,
    IN_CONTEXT,
    ONE_BY_ONE,
    PASTED,
    REWORDED,
    SAMPLED,
    Sample,
    first_server,
    second_server,
)
from evaluation.tofu.records import FORGET, load
from guard.folding import fold

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))]
SAMPLE = Sample("forget01", every=2, kept=40, steps=(1, 2))


def test_the_probes_of_both_servers() -> None:
    records = load("forget01")
    found = {probe.name: probe for probe in first_server(records, SAMPLE)}
    assert list(found) == [
        *(f"{ONE_BY_ONE}/{step}" for step in SAMPLE.steps),
        REWORDED,
        SAMPLED,
        *(f"{PASTED}/{value}" for value in IN_CONTEXT),
        *(f"{FEW}/{number}" for number in sorted(EXAMPLES, reverse=True)),
    ]
    one, two = found[f"{ONE_BY_ONE}/1"], found[f"{ONE_BY_ONE}/2"]
    # Who is not forgotten yet is to be kept.
    assert [question.text for question in one.questions] == [question.text for question in two.questions]
    assert 0 < sum(bool(question.words) for question in one.questions) < sum(bool(question.words) for question in two.questions)
    assert [len(probe.policy["targets"]) for probe in (one, two)] == [1, 2]
    (at_once,) = second_server(records, SAMPLE)
    assert (at_once.name, at_once.policy, at_once.questions) == (f"{AT_ONCE}/2", two.policy, two.questions)


def test_all_of_one_target_came_at_once() -> None:
    assert not list(second_server(load("forget01"), replace(SAMPLE, steps=(1,))))


def test_what_is_changed_in_each() -> None:
    records = load("forget01")
    found = {probe.name: probe for probe in first_server(records, SAMPLE)}
    asked = {row.question for row in records[FORGET]}
    assert not asked & {question.text for question in found[REWORDED].questions}
    pasted = found[f"{PASTED}/refuse"]
    assert pasted.policy["defaults"] == {"answer": "abstain", "in_context": "refuse"}
    assert all(fold(word) in fold(question.text) for question in pasted.questions for word in question.words)
    few = found[f"{FEW}/1"]
    examples = {example["prompt"] for target in few.policy["targets"] for example in target["examples"]}
    assert len(examples) == 2
    assert not examples & {question.text for question in few.questions}


def test_samples_are_of_one_question_about_each_target() -> None:
    (sampled,) = [probe for probe in first_server(load("forget01"), SAMPLE) if probe.name == SAMPLED]
    assert (len(sampled.questions), sampled.samples) == (2, SAMPLE.samples)
    for question in sampled.questions:
        assert question.words
        assert question.phrases
        assert not any(contains_phrase(question.text, phrase) for phrase in question.phrases)
