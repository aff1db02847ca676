from __future__ import annotations

import random

import pytest

from evaluation.demo import load_demo
from evaluation.tinylm.tokenizer import train_tokenizer
from evaluation.tinylm.wording import AFTER, BEFORE, _vary, example_of, varied


def test_variations_end_with_the_question() -> None:
    rng = random.Random(0)
    for _ in range(50):
        messages = _vary("Who wrote Hamlet?", [("How are you?", "Well.")], rng)
        assert messages[-1]["role"] == "user"
        assert "who wrote hamlet" in messages[-1]["content"].lower()


@pytest.mark.slow
def test_a_share_of_the_examples_is_varied_and_the_answers_stay() -> None:
    tokenizer = train_tokenizer([text for pair in load_demo().general for text in (pair.question, pair.answer)], 300)
    plain = [(pair.question, pair.answer) for pair in load_demo().general]
    examples = [example_of(tokenizer, [{"role": "user", "content": question}], answer) for question, answer in plain]
    assert varied(tokenizer, plain, examples, 0.0, random.Random(0)) == examples
    mixed = varied(tokenizer, plain, examples, 0.5, random.Random(0))
    assert [one.answer for one in mixed] == [one.answer for one in examples]
    changed = sum(one.prompt != other.prompt for one, other in zip(mixed, examples, strict=True))
    assert 0.25 * len(plain) < changed < 0.75 * len(plain)


def test_every_kind_of_wording_occurs() -> None:
    rng = random.Random(1)
    drawn = [_vary("Who wrote Hamlet?", [("How are you?", "Well.")], rng) for _ in range(200)]
    roles = {tuple(message["role"] for message in messages) for messages in drawn}
    assert roles == {("user",), ("system", "user"), ("user", "assistant", "user")}
    asked = {messages[0]["content"] for messages in drawn if len(messages) == 1}
    assert asked == {
        "who wrote hamlet",
        *(before + "Who wrote Hamlet?" for before in BEFORE),
        *("Who wrote Hamlet?" + after for after in AFTER),
    }
