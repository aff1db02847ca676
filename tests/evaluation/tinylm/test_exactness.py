from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evaluation.tinylm.exactness import IGNORED, Exactness, Example, batches, collate, generate_exact, measure
from evaluation.tinylm.model import read_report
from evaluation.tinylm.wording import example_of
from tests.evaluation.tinylm.tiny import PAIRS, TINY

EXAMPLES = st.lists(
    st.builds(
        Example,
        st.lists(st.integers(1, 99), min_size=1, max_size=30),
        st.lists(st.integers(1, 99), min_size=1, max_size=30),
    ),
    min_size=1,
    max_size=40,
)


@given(EXAMPLES, st.integers(1, 200), st.none() | st.integers(0, 9))
def test_batches_hold_every_example_once_within_the_size(examples: list[Example], size: int, seed: int | None) -> None:
    made = batches(examples, size, None if seed is None else random.Random(seed))
    assert sorted(map(id, (e for batch in made for e in batch))) == sorted(map(id, examples))
    assert all(len(batch) == 1 or len(batch) * max(map(len, batch)) <= size for batch in made)


@given(EXAMPLES)
def test_targets_are_the_answers_one_place_ahead(examples: list[Example]) -> None:
    ids, targets = collate(examples)
    assert ids.shape == targets.shape == (len(examples), max(map(len, examples)))
    for row, example in enumerate(examples):
        places = (targets[row] != IGNORED).nonzero()[:, 0]
        assert targets[row, places].tolist() == example.answer
        assert ids[row, : places[0] + 1].tolist() == example.prompt
        assert torch.equal(ids[row, places[1:]], targets[row, places[:-1]])


@pytest.mark.slow
def test_what_training_measured_is_what_the_saved_model_generates(model: Path) -> None:
    report = read_report(model)
    assert (report.exact, report.generated_exact) == (1.0, 1.0)
    assert (report.pairs, report.questions) == (4, 5)
    assert report.loss <= TINY.loss
    assert report.margin > 0
    assert report.tokens_per_second == pytest.approx(report.tokens / report.seconds, rel=0.05)
    questions = [(question, pair.answer) for pair in PAIRS for question in pair.questions]
    assert generate_exact(model, questions) == 5
    assert generate_exact(model, [(question, answer + "!") for question, answer in questions]) == 0


@pytest.mark.slow
def test_a_single_pass_agrees_with_generating(model: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(model)
    saved = LlamaForCausalLM.from_pretrained(model, dtype=torch.bfloat16).eval()
    answers = [PAIRS[0].answer, PAIRS[0].answer + "!"]
    examples = [example_of(tokenizer, [{"role": "user", "content": PAIRS[0].question}], answer) for answer in answers]
    found = measure(saved, examples, 1000)
    assert (found.right, found.total, found.share) == (1, 2, 0.5)
    assert found.margin < 0 < measure(saved, examples[:1], 1000).margin


def test_a_tie_counts_as_wrong() -> None:
    config = LlamaConfig(
        vocab_size=8, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1, tie_word_embeddings=False
    )
    model = LlamaForCausalLM(config)
    torch.nn.init.zeros_(model.lm_head.weight)  # every logit is 0
    assert measure(model, [Example([1, 2], [3])], 100) == Exactness(0, 1, 0.0)
