"""Answers of GUARD's beam search as in the paper. It gets each question with the target that the question is about."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from evaluation.answers.asking import Given, Timed
from evaluation.answers.fluency import Likelihood
from evaluation.answers.questions import Question


@dataclass(frozen=True)
class Beamed:
    """Answers and their times, one for each question."""

    answers: list[Given]
    times: list[Timed]


def answer_all(model: Likelihood, asked: Sequence[Question], tokens: int) -> Beamed:
    """Answer questions of at most `tokens` tokens each; the listed facts and the names of a question's target are forbidden.

    The paper's own classifier is left out: it could only miss. A text comes as a whole, so its first part comes at its end.
    """
    from classifiers.meaning.encoder import SentenceEncoder
    from evaluation.baselines.forbidden import Forbidden
    from evaluation.baselines.guard_paper import generate_guarded

    encode = SentenceEncoder().encode
    forbidden = {
        target.id: Forbidden.of([*target.names, *target.listed], model.tokenizer, encode)
        for target in dict.fromkeys(question.target for question in asked)
    }
    answers, times = [], []
    for question in tqdm(asked, desc="beam", file=sys.stderr):
        prompt = model.prompt_ids(question.text)
        result = generate_guarded(model.model, model.tokenizer, prompt, forbidden[question.target.id], encode, tokens)
        reason = "content_filter" if result.exhausted else "length" if result.steps == tokens else "stop"
        answers.append(Given(result.text, reason, len(result.ids), 0))
        times.append(Timed(result.seconds_total, result.seconds_total, result.steps, 0, 0))
    return Beamed(answers, times)
