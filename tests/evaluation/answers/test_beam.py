"""The beam search on a model of random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.answers import beam
from evaluation.answers.fluency import Likelihood
from evaluation.answers.questions import Question, known_targets
from evaluation.baselines.models import random_llama, small_tokenizer


@pytest.mark.slow
def test_the_beam_search_is_told_the_target(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(["Who is Harry Potter? He is a wizard and goes to Hogwarts. " * 3], 300)
    model = Likelihood(str(random_llama(tmp_path, tokenizer, head_dim=32, width=64)))
    target = known_targets()[0]
    asked = [Question(target, form, text) for form, text in target.questions[:2]]
    found = beam.answer_all(model, asked, 4)
    assert len(found.answers) == len(found.times) == 2
    for given, times in zip(found.answers, found.times, strict=True):
        assert given.tokens <= times.tokens <= 4
        assert given.finish_reason in ("length", "stop", "content_filter")
        assert times.first_s == times.total_s > 0
