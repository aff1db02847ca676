"""A small byte-level BPE tokenizer with a chat template, trained on the texts that the tiny model learns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

PAD, BOS, END = "<|pad|>", "<|bos|>", "<|end|>"
SPECIAL_TOKENS = (PAD, BOS, END, "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")
MAX_VOCABULARY = 8192
# Below this, not even the 256 bytes and the special tokens fit.
MIN_VOCABULARY = 256 + len(SPECIAL_TOKENS)

# One message is `<|role|>\ncontent<|end|>\n`. Content is a text or a list of parts; the prompt holds the text parts. It also
# holds tool calls, as JSON, so that it shows the whole conversation. `continue_final_message` needs no line of its own:
# transformers and vLLM cut the rendered prompt after the last message's text, which is here as it was sent.
CHAT_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
  {%- set role = 'system' if message['role'] == 'developer' else message['role'] -%}
  {%- if role not in ['system', 'user', 'assistant', 'tool'] -%}
    {{- raise_exception('unknown role: ' ~ message['role']) -}}
  {%- endif -%}
  {{- '<|' ~ role ~ '|>\\n' -}}
  {%- if message['content'] is string -%}
    {{- message['content'] -}}
  {%- elif message['content'] -%}
    {%- for part in message['content'] -%}
      {%- if part['type'] == 'text' -%}{{- part['text'] -}}{%- endif -%}
    {%- endfor -%}
  {%- endif -%}
  {%- if message['tool_calls'] -%}
    {%- for call in message['tool_calls'] -%}{{- call['function'] | tojson -}}{%- endfor -%}
  {%- endif -%}
  {{- '<|end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>\\n' -}}{%- endif -%}
"""


def train_tokenizer(texts: Iterable[str], vocabulary: int, max_length: int = 2048) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of at most `vocabulary` entries, fewer if the texts have too few merges.

    All 256 bytes are in the alphabet and nothing is normalised, so any text encodes and decodes to itself.

    Args:
        texts: what to train on.
        vocabulary: the most entries.
        max_length: the model's context in tokens.

    Raises:
        ValueError: the vocabulary is too small for bytes and special tokens, or above 8192.
    """
    if not MIN_VOCABULARY <= vocabulary <= MAX_VOCABULARY:
        raise ValueError(f"a vocabulary of {vocabulary} entries is outside {MIN_VOCABULARY}..{MAX_VOCABULARY}")
    # Imported here: they take seconds, and who reads only this module's constants need not wait.
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    # So plain completions start as chats do. The chat template writes its own <|bos|>; its text is encoded without this.
    bpe.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, bpe.token_to_id(BOS))])
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=END,
        additional_special_tokens=[token for token in SPECIAL_TOKENS if token not in (PAD, BOS, END)],
        chat_template=CHAT_TEMPLATE,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


def encode_messages(
    tokenizer: PreTrainedTokenizerFast, messages: list[dict[str, str]], answer: str
) -> tuple[list[int], list[int]]:
    """Return the token ids of the prompt, as the chat template renders it, and of the answer with its end token."""
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    prompt_ids: list[int] = tokenizer.encode(str(prompt), add_special_tokens=False)
    answer_ids: list[int] = tokenizer.encode(answer + END, add_special_tokens=False)
    return prompt_ids, answer_ids
