"""Greedy answers of a model with what steers its decoding, many at a time, by transformers' `generate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from tqdm import tqdm

from evaluation.likelihood import Embedding, Steering, TokenLikelihood

_AT_ONCE = 16


def answers(
    model: TokenLikelihood,
    questions: Sequence[str],
    tokens: int,
    label: str,
    steering: Steering | None = None,
    embeddings: Sequence[Embedding] | None = None,
) -> list[str]:
    """Return an answer to each question, in order; progress goes to stderr.

    Args:
        model: The model.
        questions: What is asked.
        tokens: The most tokens of an answer.
        label: What the progress says.
        steering: What changes the scores of the answers' tokens.
        embeddings: For each question, what the model reads in place of the prompt's token ids.
    """
    prompts = [model.prompt_ids(question) for question in questions]
    # Prompts of about the same length together: little padding.
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
    found = [""] * len(prompts)
    with tqdm(total=len(prompts), desc=label, file=sys.stderr) as progress:
        for start in range(0, len(order), _AT_ONCE):
            chosen = order[start : start + _AT_ONCE]
            some = None if embeddings is None else [embeddings[at] for at in chosen]
            said = _batch(model, [prompts[at] for at in chosen], tokens, steering, some)
            for at, text in zip(chosen, said, strict=True):
                found[at] = text
            progress.update(len(chosen))
    return found


def _batch(
    model: TokenLikelihood,
    prompts: Sequence[list[int]],
    tokens: int,
    steering: Steering | None,
    embeddings: Sequence[Embedding] | None,
) -> list[str]:
    width, pad = max(map(len, prompts)), int(model.tokenizer.eos_token_id)
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    given: dict[str, Any] = {"input_ids": ids}
    if embeddings is not None:
        vectors = model.model.get_input_embeddings()(ids).detach()
        for row, (prompt, embedding) in enumerate(zip(prompts, embeddings, strict=True)):
            vectors[row, width - len(prompt) :] = embedding(prompt).to(vectors)
        given = {"inputs_embeds": vectors}
    with torch.inference_mode():
        made = model.model.generate(
            **given,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=tokens,
            pad_token_id=pad,
            logits_processor=[steering()] if steering else [],
        )
    if embeddings is None:
        made = made[:, width:]
    texts: list[str] = model.tokenizer.batch_decode(made, skip_special_tokens=True)
    return texts
