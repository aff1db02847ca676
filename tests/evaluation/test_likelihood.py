from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from evaluation.likelihood import TokenLikelihood
from evaluation.tinylm.model import train
from guard.decoding.masks import Masks
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.tokenizers import vocabulary_of
from tests.evaluation.tinylm.tiny import PAIRS, TINY

pytestmark = pytest.mark.slow
QUESTION, ANSWER = PAIRS[0].question, PAIRS[0].answer
OTHERS = ("Ketill Flatnose keeps it.", "Nobody.")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TokenLikelihood:
    folder = tmp_path_factory.mktemp("likelihood") / "model"
    recipe = dataclasses.replace(TINY, epochs=10, extra_epochs=0, exact=None, required=False)
    train(PAIRS, folder, recipe, progress=False, threads=1)
    return TokenLikelihood(folder)


def masks(model: TokenLikelihood, text: str) -> Masks:
    vocabulary = vocabulary_of(model.tokenizer.backend_tokenizer.to_str())
    return Masks.of(Restriction.compile([Phrase(text, force=True)]), vocabulary)


def test_of_each_token_as_the_model_alone_says_it(model: TokenLikelihood) -> None:
    together = model.tokens(QUESTION, [ANSWER, *OTHERS])
    for answer, found in zip((ANSWER, *OTHERS), together, strict=True):
        prompt, ids = model.prompt_ids(QUESTION), model.tokenizer.encode(answer, add_special_tokens=False)
        with torch.inference_mode():
            logits = model.model(torch.tensor([[*prompt, *ids]])).logits[0].float()
        expected = [float(torch.log_softmax(logits[len(prompt) + at - 1], -1)[token]) for at, token in enumerate(ids)]
        assert found == pytest.approx(expected, abs=0.05)  # rounding in bfloat16, with padding and without
    assert model.tokens(QUESTION, []) == []


def test_what_the_guard_bans_is_impossible_and_the_rest_becomes_likelier(model: TokenLikelihood) -> None:
    free = model.tokens(QUESTION, [ANSWER, *OTHERS], model.guarded([]))
    held = model.tokens(QUESTION, [ANSWER, *OTHERS], model.guarded([masks(model, "Ketill keeps")]))
    assert -math.inf in held[0]
    first = held[0].index(-math.inf)
    assert held[0][:first] == pytest.approx(free[0][:first], abs=1e-4)
    for without, with_guard in zip(free[1:], held[1:], strict=True):
        assert all(after >= before - 1e-4 for before, after in zip(without, with_guard, strict=True))
        assert -math.inf not in with_guard


def test_a_model_that_reads_another_prompt_finds_other_answers_likely(model: TokenLikelihood) -> None:
    embeddings = model.model.get_input_embeddings().weight.detach()
    plain = model.tokens(QUESTION, [ANSWER])
    same = model.tokens(QUESTION, [ANSWER], embedding=lambda ids: embeddings[torch.tensor(list(ids))])
    assert same[0] == pytest.approx(plain[0], abs=0.05)
    (blind,) = model.tokens(QUESTION, [ANSWER], embedding=lambda ids: embeddings[[0] * len(ids)])
    assert sum(blind) < sum(plain[0])
