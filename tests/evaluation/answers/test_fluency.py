"""How likely a text is, on a model of random weights whose tokenizer has a chat template."""

from __future__ import annotations

import math

import pytest
import torch

from evaluation.answers.fluency import Likelihood, written
from evaluation.answers.questions import known_targets
from evaluation.baselines.models import random_llama, small_tokenizer

TARGET = known_targets()[0]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Likelihood:
    texts = ["Who is Harry Potter? He is a wizard and goes to Hogwarts. " * 3]
    return Likelihood(str(random_llama(tmp_path_factory.mktemp("model"), small_tokenizer(texts, 300), head_dim=32, width=64)))


@pytest.mark.slow
def test_the_sum_is_that_of_each_token_given_those_before(model: Likelihood) -> None:
    prompt = model.prompt_ids("Who is he?")
    answer = model.tokenizer.encode("He is a wizard", add_special_tokens=False)
    total = 0.0
    for at, token in enumerate(answer):
        with torch.inference_mode():
            logits = model.model(torch.tensor([[*prompt, *answer[:at]]])).logits[0, -1].float()
        total += float(torch.log_softmax(logits, dim=-1)[token])
    (found, empty) = model.all_of([("Who is he?", "He is a wizard"), ("Who is he?", "")], "test")
    assert found == (pytest.approx(total, rel=0.01), len(answer))
    assert math.isfinite(total)
    assert empty == (0.0, 0)


@pytest.mark.slow
def test_the_prompt_ends_where_the_answer_begins(model: Likelihood) -> None:
    text = model.tokenizer.decode(model.prompt_ids("Who is he?"))
    expected = model.tokenizer.apply_chat_template(
        [{"role": "user", "content": "Who is he?"}], tokenize=False, add_generation_prompt=True
    )
    assert text == expected
    assert "Who is he?" in text


def test_what_the_server_says_is_not_the_models() -> None:
    assert written("He is tall. I may not say. ", ["I may not say."]) == "He is tall."
    assert written("I may not say.", ["I may not say."]) == ""
