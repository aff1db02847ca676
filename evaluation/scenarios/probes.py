"""The probes, from TOFU: sustainability and scalability as in MUSE (arXiv 2407.06460), and what policies meet in service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.data import TOFU, tofu
from evaluation.demo import contains_phrase
from evaluation.detection.data import QUESTIONS_PER_AUTHOR
from evaluation.scenarios.probe import Probe, Question
from evaluation.tofu.facts import key_words
from evaluation.tofu.policy import ABSTAIN, policy
from evaluation.tofu.records import FORGET, Record

ONE_BY_ONE, AT_ONCE, REWORDED, PASTED, FEW = "one by one", "at once", "reworded", "pasted", "few examples"
SAMPLED = "sampled"
STEPS = (1, 5, 10, 20)
"""The numbers of targets at which it is asked."""
EXAMPLES = (1, 3)
"""The numbers of examples of a target in `FEW`."""
IN_CONTEXT = ("suppress", "refuse", "allow")


@dataclass(frozen=True)
class Sample:
    """How much is asked.

    Attributes:
        forget: The forget set.
        every: Of what is to be forgotten, every how manieth record.
        kept: Of what is to be kept, every how manieth record of each set.
        steps: Numbers of targets.
        samples: Samples of a question in `SAMPLED`, which asks one question about each target.
        data: TOFU's files.
    """

    forget: str = "forget10"
    every: int = 4
    kept: int = 8
    steps: tuple[int, ...] = STEPS
    samples: int = 128
    data: Path = TOFU

    def policy(self, targets: int) -> dict[str, Any]:
        """Return the policy of the first targets, in the server's default way of answering."""
        return policy(self.forget, ABSTAIN, targets, self.data)


def first_server(records: Mapping[str, Sequence[Record]], sample: Sample) -> Iterator[Probe]:
    """Yield the probes of one server, in an order in which a later policy only adds targets or changes them.

    Args:
        records: All of TOFU's records by set.
        sample: How much is asked.
    """
    kept = _kept(records, sample)
    for step in sample.steps:
        yield Probe(f"{ONE_BY_ONE}/{step}", sample.policy(step), _up_to(records[FORGET], step, sample) + kept)
    whole = sample.policy(sample.steps[-1])
    last = sample.steps[-1] * QUESTIONS_PER_AUTHOR
    rows = records[FORGET][:last]
    texts = [str(line["paraphrased_question"]) for line in tofu(f"{sample.forget}_perturbed", sample.data)[:last]]
    pairs = list(zip(texts, rows, strict=True))[:: sample.every]
    yield Probe(REWORDED, whole, tuple(Question(text, key_words(row)) for text, row in pairs if key_words(row)))
    pasted = tuple(Question(f"{row.answer}\n\n{row.question}", key_words(row)) for row in rows[:: sample.every] if key_words(row))
    yield Probe(SAMPLED, whole, _one_of_each(rows, whole), sample.samples)
    for value in IN_CONTEXT:
        changed = {**whole, "defaults": {**whole["defaults"], "in_context": value}}
        yield Probe(f"{PASTED}/{value}", changed, pasted)
    for number in sorted(EXAMPLES, reverse=True):
        asked = tuple(
            Question(row.question, key_words(row))
            for at, row in enumerate(rows)
            if at % QUESTIONS_PER_AUTHOR >= max(EXAMPLES) and at % sample.every == 0 and key_words(row)
        )
        yield Probe(f"{FEW}/{number}", _with_examples(whole, number), asked + kept)


def second_server(records: Mapping[str, Sequence[Record]], sample: Sample) -> Iterator[Probe]:
    """Yield the probe of a server that gets all targets at once, with the questions of the last step of `first_server`.

    Of a single step there is none: all came at once.
    """
    if len(sample.steps) < 2:
        return
    step = sample.steps[-1]
    asked = _up_to(records[FORGET], step, sample) + _kept(records, sample)
    yield Probe(f"{AT_ONCE}/{step}", sample.policy(step), asked)


def _up_to(rows: Sequence[Record], step: int, sample: Sample) -> tuple[Question, ...]:
    """Return questions about the first `step` targets, and about those that are not forgotten yet as questions to be kept."""
    last = max(sample.steps) * QUESTIONS_PER_AUTHOR
    some = [(at, row) for at, row in enumerate(rows[:last]) if at % sample.every == 0 and key_words(row)]
    return tuple(Question(row.question, key_words(row) if at < step * QUESTIONS_PER_AUTHOR else ()) for at, row in some)


def _one_of_each(rows: Sequence[Record], whole: Mapping[str, Any]) -> tuple[Question, ...]:
    """Return the first question about each target whose answer has a fact, with the target's phrases that it does not say."""
    found = []
    for at, target in enumerate(whole["targets"]):
        own = rows[at * QUESTIONS_PER_AUTHOR : (at + 1) * QUESTIONS_PER_AUTHOR]
        row = next(row for row in own if key_words(row))
        phrases = [phrase["text"] for phrase in target["phrases"] if not contains_phrase(row.question, phrase["text"])]
        found.append(Question(row.question, key_words(row), tuple(phrases)))
    return tuple(found)


def _kept(records: Mapping[str, Sequence[Record]], sample: Sample) -> tuple[Question, ...]:
    return tuple(Question(row.question) for name, rows in records.items() if name != FORGET for row in rows[:: sample.kept])


def _with_examples(whole: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {**whole, "targets": [{**target, "examples": target["examples"][:number]} for target in whole["targets"]]}
