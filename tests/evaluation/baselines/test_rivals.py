"""The rivals that only look at ids or text: do they ban what they say, and what do they miss?"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from evaluation.baselines import naive, no_bad_words, vllm_bad_words
from evaluation.baselines.models import random_llama, small_tokenizer, tekken_tokenizer, texts_in
from evaluation.baselines.phrases import MOST, phrases
from evaluation.baselines.timing import StepCost, time_steps
from guard import Cursor, Masks, Phrase, Restriction, Vocabulary, fold, vocabulary_of

TEXT = "Harry Potter met Ron and Hermione; Harry Potter liked Ron, and the owls liked Harry Potter. "


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer([TEXT * 3], 300)


@pytest.fixture(scope="module")
def vocabulary(tokenizer: PreTrainedTokenizerFast) -> Vocabulary:
    return vocabulary_of(tokenizer.backend_tokenizer.to_str())


class TestPhrases:
    def test_as_many_as_asked_for_and_all_different(self) -> None:
        made = phrases(20_000)
        assert len({fold(phrase) for phrase in made}) == 20_000
        assert {len(phrase.split()) for phrase in made} == {2, 3}

    def test_the_same_in_every_run_and_smaller_sets_within_larger(self) -> None:
        assert phrases(500) == phrases(2000)[:500]
        assert phrases(500) != phrases(500, seed=1)
        assert phrases(2) == ["Lonely Shadow Reanraind", "Sindrend Hinderkmann"]

    @pytest.mark.parametrize("n", [-1, MOST + 1])
    def test_refuses_impossible_numbers(self, n: int) -> None:
        with pytest.raises(ValueError, match="not within"):
            phrases(n)


class TestTiming:
    def test_a_first_call_above_the_limit_is_the_only_one(self) -> None:
        calls: list[int] = []
        assert len(time_steps(lambda: calls.append(1), limit_s=0.0)) == 1
        assert calls == [1]

    def test_calls_stop_when_the_budget_is_spent_and_at_least_one_counts(self) -> None:
        calls: list[int] = []
        assert len(time_steps(lambda: calls.append(1), budget_s=0.0)) == 1
        assert len(calls) == 2  # one to warm up

    def test_median_and_p99(self) -> None:
        cost = StepCost.of([k * 1e-6 for k in range(200)], phrases=1, width=2, batch=3, setup_s=0.0)
        assert (round(cost.median_us, 3), round(cost.p99_us, 3), cost.steps) == (99.5, 198.0, 200)


class TestNaive:
    def test_agrees_with_the_masks(self, vocabulary: Vocabulary) -> None:
        wanted = [Phrase(text) for text in ("Harry Potter", "Ron", "the owls", "liked Ron")]
        masks = Masks.of(Restriction.compile(wanted), vocabulary)
        rng = random.Random(3)
        words = [token for token, raw in enumerate(vocabulary.raw) if len(raw) > 1]
        bans = 0
        for _ in range(6):
            cursor, said = Cursor(masks), []
            for _ in range(4):
                fast = {int(token) for ban in cursor.bans() for token in ban.ids}
                assert naive.banned(wanted, vocabulary, said) == fast
                bans += len(fast)
                said.append(rng.choice(words))
                cursor.extend(said[-1:])
        assert bans

    def test_a_step_is_measured_whole_or_scaled_from_a_part(self, vocabulary: Vocabulary) -> None:
        whole = naive.step_cost(["Harry Potter"], vocabulary, history=4, budget_s=0.01, limit_s=60)
        part = naive.step_cost(["Harry Potter"], vocabulary, history=4, budget_s=0.01, limit_s=1e-6)
        assert (whole.estimated, part.estimated) == (False, True)
        assert 0.1 < part.median_us / whole.median_us < 10


class TestNoBadWords:
    def test_bans_the_last_token_of_either_form(self, tokenizer: PreTrainedTokenizerFast) -> None:
        made = no_bad_words.processor(tokenizer, ["Harry Potter"])
        for form in ("Harry Potter", " Harry Potter"):
            *said, last = tokenizer.encode(form, add_special_tokens=False)
            said = [5, *said]
            scores = made(torch.tensor([said]), torch.zeros(1, len(tokenizer)))
            assert torch.isneginf(scores).nonzero().tolist() == [[0, last]]

    def test_another_tokenisation_of_the_phrase_passes(self, tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary) -> None:
        letters = [vocabulary.raw.index(bytes([byte])) for byte in b" Harry Potter"]
        assert tokenizer.decode(letters) == " Harry Potter"
        made = no_bad_words.processor(tokenizer, ["Harry Potter"])
        scores = made(torch.tensor([letters[:-1]]), torch.zeros(1, len(tokenizer)))
        assert not torch.isneginf(scores).any()
        # The same text, judged as text.
        cursor = Cursor(Masks.of(Restriction.compile([Phrase("Harry Potter")]), vocabulary))
        cursor.extend(letters[:-1])
        assert letters[-1] in {int(token) for ban in cursor.bans() for token in ban.ids}

    def test_a_step_is_measured(self, tokenizer: PreTrainedTokenizerFast) -> None:
        cost = no_bad_words.step_cost(tokenizer, phrases(10), 400, 3, budget_s=0.01)
        assert (cost.phrases, cost.width, cost.batch) == (10, 400, 3)
        assert cost.median_us > 0


@pytest.fixture(scope="module")
def vllm_tokenizer(tokenizer: PreTrainedTokenizerFast) -> Any:
    from vllm.tokenizers.hf import get_cached_tokenizer

    return get_cached_tokenizer(tokenizer)


class TestVllmBadWords:
    def test_the_form_inside_a_sentence_is_left_out_where_it_has_another_length(
        self, tokenizer: PreTrainedTokenizerFast, vllm_tokenizer: Any
    ) -> None:
        inside = tokenizer.encode(" Harry Potter", add_special_tokens=False)
        assert len(inside) != len(tokenizer.encode("Harry Potter", add_special_tokens=False))
        assert inside not in vllm_bad_words.bad_words(vllm_tokenizer, ["Harry Potter"])
        assert vllm_bad_words.unguarded_inside_sentences(vllm_tokenizer, ["Harry Potter"]) == ["Harry Potter"]

    def test_a_word_with_two_forms_counts_twice_and_129_sequences_are_refused(self, vllm_tokenizer: Any) -> None:
        from vllm.exceptions import VLLMValidationError

        words = phrases(200)
        most = vllm_bad_words.accepted(vllm_tokenizer, words)
        assert 64 <= most <= 128
        assert len(vllm_bad_words.bad_words(vllm_tokenizer, words[:most])) in (127, 128)
        with pytest.raises(VLLMValidationError, match="Too many bad words after tokenization: 129"):
            vllm_bad_words.bad_words(vllm_tokenizer, words[: most + 1])
        with vllm_bad_words.raised_limit(400):
            assert vllm_bad_words.accepted(vllm_tokenizer, words) == 200

    def test_only_model_runner_v2_limits_the_tokens(self, vllm_tokenizer: Any) -> None:
        from vllm import SamplingParams
        from vllm.v1.worker.gpu.sample.bad_words import BadWordsState

        params = SamplingParams(bad_words=[" ".join(phrases(10 * k + 10)[10 * k :]) for k in range(20)])
        params.update_from_tokenizer(vllm_tokenizer)  # accepted by the front end
        assert sum(map(len, params.bad_words_token_ids or [])) > 1024
        with pytest.raises(ValueError, match="Too many total bad word tokens"):
            BadWordsState.add_request(object.__new__(BadWordsState), 0, params)

    def test_a_step_is_measured_and_leaves_the_limit_as_it_was(self, vllm_tokenizer: Any) -> None:
        cost = vllm_bad_words.step_cost(vllm_tokenizer, phrases(200), 400, 2, budget_s=0.01)
        assert cost.median_us > 0
        assert vllm_bad_words.accepted(vllm_tokenizer, phrases(200)) <= 128


class TestModels:
    def test_a_random_llama_has_the_width_asked_for(self, tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
        folder = random_llama(tmp_path / "model", tokenizer, 512, width=64, head_dim=32)
        model = LlamaForCausalLM.from_pretrained(folder)
        assert model.lm_head.weight.shape == (512, 64)
        assert model.dtype == torch.bfloat16
        assert model.config.num_attention_heads == 2
        assert model.generation_config.eos_token_id == tokenizer.eos_token_id
        again = LlamaForCausalLM.from_pretrained(random_llama(tmp_path / "again", tokenizer, 512, width=64, head_dim=32))
        assert torch.equal(model.lm_head.weight, again.lm_head.weight)

    def test_impossible_widths_are_refused(self, tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
        with pytest.raises(ValueError, match="has 300 entries"):
            random_llama(tmp_path, tokenizer, 100)
        with pytest.raises(ValueError, match="not a multiple"):
            random_llama(tmp_path, tokenizer, width=100)

    def test_texts_are_read_in_the_order_of_their_names(self, tmp_path: Path) -> None:
        for name in ("b.txt", "a.txt", "c.md"):
            (tmp_path / name).write_text(name)
        assert texts_in(tmp_path) == ["a.txt", "b.txt"]

    def test_tekken_is_mistrals_and_vllm_loads_it(self, tmp_path: Path) -> None:
        import mistral_common
        from mistral_common.tokens.tokenizers.tekken import Tekkenizer
        from vllm.tokenizers import get_tokenizer

        made = tekken_tokenizer()
        folder = random_llama(tmp_path, made, layers=1, width=8, head_dim=8)
        loaded = get_tokenizer(folder, tokenizer_mode="auto")
        assert len(loaded) == 131_072
        original = Tekkenizer.from_file(Path(next(iter(mistral_common.__path__))) / "data" / "tekken_240911.json")
        for text in ("Harry Potter", " naïve 北京市 👩‍🚀", "  x\n\n\t12345"):
            ids = loaded.encode(text, add_special_tokens=False)
            assert ids == original.encode(text, bos=False, eos=False)
            assert loaded.decode(ids) == text
        chat = loaded.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
        assert loaded.convert_ids_to_tokens(loaded.encode(chat, add_special_tokens=False)) == ["<s>", "[INST]", "Hi", "[/INST]"]
        vocabulary = vocabulary_of(made.backend_tokenizer.to_str())
        assert len(vocabulary) == 131_072
        assert len(vocabulary.special) == 1000
