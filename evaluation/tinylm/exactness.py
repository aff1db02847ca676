"""Tells whether a model answers exactly: by one pass over the right answers while it trains, by generating once it is saved."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

IGNORED = -100  # what cross_entropy takes for a position without a target


@dataclass(frozen=True)
class Example:
    """A prompt and its answer as token ids; the end token is part of the answer."""

    prompt: list[int]
    answer: list[int]

    def __len__(self) -> int:
        """The number of tokens that the model reads; it only predicts the last one."""
        return len(self.prompt) + len(self.answer) - 1


@dataclass(frozen=True)
class Exactness:
    """How many of `total` answers are the greedy ones, and the smallest lead of a right token over its best rival, in logits."""

    right: int
    total: int
    margin: float

    @property
    def share(self) -> float:
        """The share of right answers, from 0 to 1."""
        return self.right / self.total


def to_bfloat16(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """Round the parameters in place, and return the model. Buffers stay: every engine keeps rotary frequencies in float32."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(torch.bfloat16)
    model.config.dtype = torch.bfloat16
    return model


def measure(model: LlamaForCausalLM, examples: Sequence[Example], batch_tokens: int) -> Exactness:
    """Compare every answer with the greedy one, in a single pass instead of token by token.

    The greedy answer is the right one if and only if the right token has the highest logit at every place, given the right tokens
    before it. A tie counts as wrong, because the sampler may choose either.
    """
    right, margin = 0, math.inf
    for batch in batches(examples, batch_tokens):
        ids, targets = collate(batch)
        wanted = targets != IGNORED
        with torch.no_grad():
            logits = model.lm_head(model.model(ids, use_cache=False).last_hidden_state[wanted]).float()
        answer = targets[wanted].unsqueeze(1)
        lead = (logits.gather(1, answer) - logits.scatter(1, answer, -math.inf).amax(1, keepdim=True)).squeeze(1)
        row = wanted.nonzero()[:, 0]
        worst = torch.full((len(batch),), math.inf).scatter_reduce(0, row, lead, "amin")
        right += int((worst > 0).sum())
        margin = min(margin, float(worst.min()))
    return Exactness(right, len(examples), margin)


def generate_exact(folder: Path, questions: Sequence[tuple[str, str]], rows: int = 64) -> int:
    """Return how many of the (question, answer) the saved model answers exactly, generating greedily in bfloat16."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, padding_side="left")
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    longest = max(len(tokenizer.encode(answer, add_special_tokens=False)) for _, answer in questions)
    # Questions of similar length need less padding.
    ordered = sorted(questions, key=lambda question: len(question[0]))
    right = 0
    for start in range(0, len(ordered), rows):
        part = ordered[start : start + rows]
        inputs = tokenizer.apply_chat_template(
            [[{"role": "user", "content": question}] for question, _ in part],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
            padding=True,
        )
        output = model.generate(**inputs, do_sample=False, max_new_tokens=longest + 1)
        texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        right += sum(text == answer for text, (_, answer) in zip(texts, part, strict=True))
    return right


def batches(examples: Sequence[Example], batch_tokens: int, rng: random.Random | None = None) -> list[list[Example]]:
    """Return batches of examples of similar length, each of at most `batch_tokens` with its padding, or of one example.

    With `rng`, the mixture and the order differ at every call.
    """
    jitter = rng.random if rng else lambda: 0.0
    made: list[list[Example]] = []
    for example in sorted(examples, key=lambda example: len(example) + 6 * jitter()):
        width = max(len(example), *(len(other) for other in made[-1])) if made else len(example)
        if made and (len(made[-1]) + 1) * width <= batch_tokens:
            made[-1].append(example)
        else:
            made.append([example])
    if rng:
        rng.shuffle(made)
    return made


def collate(batch: Sequence[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return input ids and targets, both int64 [rows, tokens]. Padding is on the right, where causal attention never looks."""
    width = max(map(len, batch))
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    targets = torch.full((len(batch), width), IGNORED)
    for row, example in enumerate(batch):
        ids[row, : len(example)] = torch.tensor((example.prompt + example.answer)[:-1])
        targets[row, len(example.prompt) - 1 : len(example)] = torch.tensor(example.answer)
    return ids, targets
