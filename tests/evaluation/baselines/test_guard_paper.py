"""The decoding of the GUARD paper on a model of 300 tokens that knows one sentence by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evaluation.baselines.forbidden import Forbidden
from evaluation.baselines.guard_paper import Result, generate_guarded, step_us
from evaluation.baselines.models import small_tokenizer
from guard import Cursor, Masks, Phrase, Restriction, vocabulary_of
from tests.evaluation.baselines.encoders import equal_words, unlike

pytestmark = pytest.mark.usefixtures("one_thread")
PROMPT, ANSWER = "Who has a scar?", " It is Harry Potter of course."
TEXT = f"{PROMPT}{ANSWER} "


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer([TEXT * 3], 300)


def taught(tokenizer: PreTrainedTokenizerFast, answer: Sequence[int]) -> LlamaForCausalLM:
    """Return a model that says the ids `answer` behind the prompt."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=128,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
        model = LlamaForCausalLM(config)
        ids = torch.tensor([[*prompt(tokenizer), *answer, tokenizer.eos_token_id]])
        optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        for _ in range(40):
            loss = model(ids, labels=ids).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model.eval()


def prompt(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    return tokenizer.encode(PROMPT, add_special_tokens=False)


@pytest.fixture(scope="module")
def model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    return taught(tokenizer, tokenizer.encode(ANSWER, add_special_tokens=False))


def say(model: Any, tokenizer: PreTrainedTokenizerFast, forbidden: Sequence[str], encode: Any = unlike, **options: Any) -> Result:
    return generate_guarded(model, tokenizer, prompt(tokenizer), forbidden, encode, options.pop("max_new_tokens", 40), **options)


class TestWithoutForbiddenText:
    def test_the_model_says_what_it_knows(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
        result = say(model, tokenizer, [])
        assert (result.text, result.exhausted, result.pruned) == (ANSWER, False, 0)
        assert result.steps > 3

    def test_it_is_the_beam_search_of_transformers(self, tokenizer: PreTrainedTokenizerFast) -> None:
        torch.manual_seed(5)
        config = LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2
        )
        random = LlamaForCausalLM(config).eval()
        random.lm_head.weight.data *= 40  # far enough from uniform for scores to differ
        random.generation_config.eos_token_id = None
        tokens = prompt(tokenizer)
        expected = random.generate(
            torch.tensor([tokens]), num_beams=5, do_sample=False, max_new_tokens=9, length_penalty=0.0, pad_token_id=0
        )[0, len(tokens) :]
        assert tokenizer.eos_token_id not in expected
        result = generate_guarded(random, tokenizer, tokens, [], unlike, 9, beams=5)
        assert result.ids == expected.tolist()


class TestHardMatch:
    @pytest.mark.parametrize("phrase", ["Harry Potter", "Potter", "is Harry"])
    def test_a_forbidden_phrase_is_pruned(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, phrase: str) -> None:
        free = say(model, tokenizer, [])
        result = say(model, tokenizer, [phrase])
        assert phrase in free.text
        assert phrase not in result.text
        assert result.pruned > 0
        assert result.score < free.score

    def test_beta_prunes_when_that_much_of_the_phrase_is_said(
        self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        # The answer never gets to the end of this one.
        phrase = "Harry Potter of the owls"
        harry, *rest = tokenizer.encode(" " + phrase, add_special_tokens=False)
        assert say(model, tokenizer, [phrase]).text == ANSWER
        assert harry not in say(model, tokenizer, [phrase], beta=1 / (1 + len(rest))).ids

    def test_another_tokenisation_slips_through(self, tokenizer: PreTrainedTokenizerFast) -> None:
        """What canonical matching cannot see: the model spells the name, token by token, and the guard lets it."""
        vocabulary = vocabulary_of(tokenizer.backend_tokenizer.to_str())
        spelt = [vocabulary.raw.index(bytes([byte])) for byte in ANSWER.encode()]
        result = say(taught(tokenizer, spelt), tokenizer, ["Harry Potter"])
        assert "Harry Potter" in result.text
        assert result.pruned == 0
        # Matching text instead of ids bans the last letter of it.
        cursor = Cursor(Masks.of(Restriction.compile([Phrase("Harry Potter")]), vocabulary))
        at = result.text.index("Harry Potter") + len("Harry Potter") - 1
        cursor.extend(result.ids[:at])
        assert result.ids[at] in {int(token) for ban in cursor.bans() for token in ban.ids}


class TestSoftMatch:
    def test_a_word_that_is_near_a_forbidden_one_is_pruned(
        self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        result = say(model, tokenizer, ["Mister Potter"], equal_words)
        assert "Potter" not in result.text
        # Above 1 nothing is near enough.
        assert "Potter" in say(model, tokenizer, ["Mister Potter"], equal_words, delta=1.01, max_new_tokens=12).text

    def test_below_delta_the_cosine_is_subtracted(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
        def third(texts: Sequence[str]) -> NDArray[np.float32]:
            return np.array([[1.0, 0.0] if text == "forbidden" else [0.3, math.sqrt(0.91)] for text in texts], np.float32)

        free, result = (say(model, tokenizer, words, third, beams=1, max_new_tokens=6) for words in ([], ["forbidden"]))
        assert result.ids == free.ids
        assert result.score == pytest.approx(free.score - 6 * 0.3, abs=1e-4)

    def test_when_everything_is_pruned_nothing_unguarded_is_said(
        self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast
    ) -> None:
        def alike(texts: Sequence[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 1), np.float32)

        # A full stop is no word, so it has to be forbidden as a token.
        result = say(model, tokenizer, ["Harry Potter", "."], alike, beams=1, ignore_end=True)
        assert result.exhausted
        assert (result.ids, result.text, result.steps) == ([], "", 1)


class TestMeasurement:
    def test_model_and_matching_are_timed_step_by_step(self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
        forbidden = Forbidden.of(["Harry Potter"], tokenizer, equal_words)
        result = say(model, tokenizer, forbidden, equal_words, delta=2.0, max_new_tokens=60, ignore_end=True)  # type: ignore[arg-type]
        assert len(result.model_s) == len(result.matching_s) == result.steps == 60
        assert 0 < result.seconds_matching + result.seconds_model <= result.seconds_total
        assert all(cost > 0 for cost in step_us(result))
        assert forbidden.setup_s > 0

    @pytest.mark.parametrize("options", [{"beams": 0}, {"beta": 0.0}, {"beta": 1.1}, {"max_new_tokens": 0}])
    def test_refuses_what_makes_no_sense(
        self, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, options: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError, match="needs a prompt"):
            say(model, tokenizer, [], **options)
