"""The converted model is the one in the GGUF file: complete, in bfloat16, with its tokenizer, and it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from evaluation.smollm.convert import convert

pytestmark = pytest.mark.slow


def test_it_has_what_engines_need(real_model: str) -> None:
    folder = Path(real_model)
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert (config["dtype"], config["vocab_size"], config["num_hidden_layers"]) == ("bfloat16", 49152, 30)
    assert "quantization_config" not in config
    assert "<|im_start|>" in (folder / "chat_template.jinja").read_text()
    with safe_open(folder / "model.safetensors", "pt") as tensors:
        assert {str(tensors.get_tensor(name).dtype) for name in tensors.keys()} == {"torch.bfloat16"}  # noqa: SIM118
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o644"}


def test_it_answers(real_model: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(real_model)
    model = AutoModelForCausalLM.from_pretrained(real_model)
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    answer = model.generate(**prompt, max_new_tokens=12, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert tokenizer.decode(answer, skip_special_tokens=True) == "The capital of France is Paris."


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"no GGUF at all, whatever its name says")
    (tmp_path / "out").mkdir()
    with pytest.raises((ValueError, OSError)):
        convert(tmp_path / "x.gguf", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
