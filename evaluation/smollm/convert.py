"""Converts the GGUF file to a folder in Hugging Face's format, which vLLM and transformers load.

transformers reads GGUF but does not write what it has read: `save_pretrained` and `dequantize` refuse a model that is marked as
quantized. So the weights, which are in bfloat16 by then, go into a new model with the same configuration less the mark.
"""

from __future__ import annotations

from pathlib import Path


def convert(gguf: Path, out: Path) -> None:
    """Write model, configuration, tokenizer and chat template of a GGUF file into the folder `out`.

    Args:
        gguf: A Llama model. Its quantized weights become bfloat16.
        out: A folder that exists.

    Raises:
        ValueError: The file holds no Llama model, or not all of its weights.
        OSError: `out` cannot be written.
    """
    # Imported here: they take seconds to load, and a cached model does not need them.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, logging

    logging.set_verbosity_error()  # it warns of slow quantized arithmetic, and nothing is computed here
    where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.bfloat16)
    if not isinstance(read, LlamaForCausalLM):
        raise ValueError(f"{gguf.name} holds a {type(read).__name__}, not a LlamaForCausalLM")
    settings = read.config.to_dict()
    settings.pop("quantization_config", None)
    model = LlamaForCausalLM(LlamaConfig(**settings)).to(torch.bfloat16)
    try:
        model.load_state_dict(read.state_dict())
    except RuntimeError as error:
        raise ValueError(f"{gguf.name} does not hold the weights that its configuration asks for: {error}") from error
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(**where).save_pretrained(out)
    for file in out.iterdir():
        file.chmod(0o644)  # safetensors writes for the owner alone, and a server of another user could not read it
