"""Models and tokenizers to measure speed with: random weights, real vocabularies.

What a step of decoding costs does not depend on what the weights are, so none have to be downloaded. vLLM and transformers load
the folders as they stand, offline and with vLLM's `--tokenizer-mode auto`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.data import tekken_file

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SMALL_VOCABULARY = 8192

# Mistral's way of marking turns, in the special tokens that tekken has for it.
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
    """Train a byte-level BPE tokenizer of at most `vocabulary` entries on `texts`, the demo's if None.

    The demo's few texts give fewer entries than asked for; a model's logits may still be wider.
    """
    from evaluation.demo import load_demo
    from evaluation.tinylm.tokenizer import train_tokenizer

    known = [text for pair in load_demo().pairs for text in (*pair.questions, pair.answer)] if texts is None else texts
    return train_tokenizer(known, vocabulary)


def tekken_tokenizer() -> PreTrainedTokenizerFast:
    """Return Mistral's tekken (mistral_common 240911, 131,072 entries) as a Hugging Face fast tokenizer with a chat template.

    Made by transformers' own converter. tekken.json itself is not part of it: with that file beside it, transformers would load
    mistral_common's tokenizer in its place.
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
    """Write a Llama of random bfloat16 weights and `tokenizer` into `folder`, and return it.

    `vocabulary` is the width of the logits, that of the tokenizer if None; ids the tokenizer lacks are padding. `width` of the
    hidden states is a multiple of `head_dim`. The same arguments give the same weights; the caller's random state is not touched.
    Raises ValueError if the vocabulary is smaller than the tokenizer's or the widths do not go together.
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
        tie_word_embeddings=False,  # tied random weights would say the last token over and over
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
