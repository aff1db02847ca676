"""Models and tokenizers to measure speed with: random weights, real vocabularies.

The cost of a decoding step does not depend on the weights, so nothing has to be downloaded. vLLM and transformers load the
folders offline; vLLM with `--tokenizer-mode auto`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.data import tekken_file

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SMALL_VOCABULARY = 8192

# Marks turns as Mistral's models do, with tekken's special tokens.
_TEKKEN_CHAT = """\
{{- bos_token -}}
{%- for message in messages -%}
  {%- if message['role'] == 'user' -%}{{- '[INST]' ~ message['content'] ~ '[/INST]' -}}
  {%- elif message['role'] == 'assistant' -%}{{- message['content'] ~ eos_token -}}
  {%- else -%}{{- '[SYSTEM_PROMPT]' ~ message['content'] ~ '[/SYSTEM_PROMPT]' -}}
  {%- endif -%}
{%- endfor -%}
"""


def texts_in(folder: Path) -> list[str]:
    """Return the contents of the .txt files in `folder`, in the order of their names."""
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.txt"))]


def small_tokenizer(texts: Iterable[str] | None = None, vocabulary: int = SMALL_VOCABULARY) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of at most `vocabulary` entries on `texts`; None takes the demo's texts.

    The demo's few texts give fewer entries than that; a model's logits may be wider than its tokenizer.
    """
    from evaluation.demo import load_demo
    from evaluation.tinylm.tokenizer import train_tokenizer

    known = [text for pair in load_demo().pairs for text in pair.texts] if texts is None else texts
    return train_tokenizer(known, vocabulary)


def tekken_tokenizer() -> PreTrainedTokenizerFast:
    """Return Mistral's tekken (mistral_common 240911, 131,072 entries) as a Hugging Face fast tokenizer with a chat template.

    transformers' own converter makes it. tekken.json is not saved with it: beside that file, transformers would load
    mistral_common's tokenizer instead.

    Raises:
        FileNotFoundError: mistral_common is not installed.
    """
    from transformers import PreTrainedTokenizerFast
    from transformers.integrations.mistral.tokenizer import MistralConverter

    special = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(
        tokenizer_object=MistralConverter(str(tekken_file())).converted(),
        **special,
        chat_template=_TEKKEN_CHAT,
        clean_up_tokenization_spaces=False,
    )


def random_llama(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    vocabulary: int | None = None,
    *,
    layers: int = 2,
    width: int = 256,
    head_dim: int = 64,
    positions: int = 2048,
    seed: int = 0,
) -> Path:
    """Write a Llama of random bfloat16 weights and `tokenizer` into `folder`, and return the folder.

    The same arguments give the same weights. The caller's random state stays as it is.

    Args:
        folder: where to write; made if it is missing.
        tokenizer: its special tokens are the model's.
        vocabulary: width of the logits, None for the tokenizer's; ids that the tokenizer lacks are padding.
        layers: number of layers.
        width: width of the hidden states, a multiple of `head_dim`.
        head_dim: width of one attention head.
        positions: the longest context in tokens.
        seed: of the random weights.

    Raises:
        ValueError: the vocabulary is smaller than the tokenizer's, or `width` is not a multiple of `head_dim`.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    entries = len(tokenizer)
    size = vocabulary or entries
    if size < entries:
        raise ValueError(f"the tokenizer has {entries} entries, the model's vocabulary {size}")
    if width % head_dim:
        raise ValueError(f"a width of {width} is not a multiple of {head_dim}")
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // head_dim,
        num_key_value_heads=width // head_dim,
        head_dim=head_dim,
        max_position_embeddings=positions,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,  # a model of tied random weights says the last token over and over
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
