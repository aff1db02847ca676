from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from evaluation.baselines.models import random_llama, tekken_tokenizer, texts_in
from evaluation.data import tekken_file
from guard import vocabulary_of


def test_a_random_llama_has_the_width_asked_for(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    folder = random_llama(tmp_path / "model", tokenizer, 512, width=64, head_dim=32)
    model = LlamaForCausalLM.from_pretrained(folder)
    assert model.lm_head.weight.shape == (512, 64)
    assert model.dtype == torch.bfloat16
    assert model.config.num_attention_heads == 2
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id
    again = LlamaForCausalLM.from_pretrained(random_llama(tmp_path / "again", tokenizer, 512, width=64, head_dim=32))
    assert torch.equal(model.lm_head.weight, again.lm_head.weight)


def test_impossible_widths_are_refused(tmp_path: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(ValueError, match="has 300 entries"):
        random_llama(tmp_path, tokenizer, 100)
    with pytest.raises(ValueError, match="not a multiple"):
        random_llama(tmp_path, tokenizer, width=100)


def test_texts_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.md"):
        (tmp_path / name).write_text(name)
    assert texts_in(tmp_path) == ["a.txt", "b.txt"]


@pytest.mark.slow
def test_tekken_is_mistrals_and_vllm_loads_it(tmp_path: Path) -> None:
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    from vllm.tokenizers import get_tokenizer

    made = tekken_tokenizer()
    folder = random_llama(tmp_path, made, layers=1, width=8, head_dim=8)
    loaded = get_tokenizer(folder, tokenizer_mode="auto")
    assert len(loaded) == 131_072
    original = Tekkenizer.from_file(tekken_file())
    for text in ("Harry Potter", " naïve 北京市 👩‍🚀", "  x\n\n\t12345"):
        ids = loaded.encode(text, add_special_tokens=False)
        assert ids == original.encode(text, bos=False, eos=False)
        assert loaded.decode(ids) == text
    chat = loaded.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert loaded.convert_ids_to_tokens(loaded.encode(chat, add_special_tokens=False)) == ["<s>", "[INST]", "Hi", "[/INST]"]
    vocabulary = vocabulary_of(made.backend_tokenizer.to_str())
    assert len(vocabulary) == 131_072
    assert len(vocabulary.special) == 1000
