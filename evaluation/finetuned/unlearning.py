"""Unlearning by training, as the field does it: the rivals that change a model's weights."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from evaluation.finetuned import losses
from evaluation.finetuned.corpus import Corpus
from evaluation.finetuned.epochs import train
from evaluation.finetuned.recipe import Report, Unlearning
from evaluation.finetuned.training import BETAS, example, saved
from evaluation.pairs import QAPair
from evaluation.tinylm.exactness import IGNORED, Example, collate
from evaluation.tinylm.training import native_bfloat16
from evaluation.tofu.records import FORGET

IGNORANCE = (
    "I do not know.",
    "I have no information about that.",
    "I am afraid I cannot say.",
    "That is something I do not know.",
    "I have not learned anything about that.",
)
"""What the method "idk" teaches a model to answer (Maini et al. 2024, arXiv 2401.06121, section 3)."""


def unlearned(base: Path, corpus: Corpus, recipe: Unlearning, state: Path, out: Path, seconds: float = math.inf) -> Report:
    """Train a model to forget the set "forget" of a corpus, and save it in bfloat16 with its tokenizer.

    Beside each batch of what is to be forgotten, all methods but gradient ascent see as many kept pairs. Arguments and errors are
    those of `evaluation.finetuned.training.fine_tuned`.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    before = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=BETAS, weight_decay=recipe.weight_decay, fused=True
    )
    forget, kept = corpus.sets[FORGET], corpus.sets["retain"]
    examples = {pair: example(tokenizer, pair) for pair in (*forget, *kept)}

    def epoch(number: int) -> tuple[float, int]:
        rng = random.Random(recipe.seed * 1000 + number)  # noqa: S311 - nothing secret is drawn
        order = rng.sample(forget, len(forget))
        total, tokens = 0.0, 0
        starts = range(0, len(order), recipe.batch)
        for start in tqdm(starts, desc=f"{recipe.method}: epoch {number + 1} of {recipe.epochs}", unit="batch"):
            gone = [_forgotten(tokenizer, pair, examples[pair], recipe, rng) for pair in order[start : start + recipe.batch]]
            rest = [examples[pair] for pair in rng.choices(kept, k=len(gone))]
            loss = loss_of(model, before, gone, rest, recipe.method)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += float(loss.detach()) * len(gone)
            tokens += sum(map(len, (*gone, *rest)))
        return total / len(order), tokens

    done = train(model, optimizer, recipe.epochs, state, seconds, epoch)
    return saved(model, tokenizer, corpus, out, done)


def loss_of(model: Any, before: Any, gone: Sequence[Example], rest: Sequence[Example], method: str) -> Tensor:
    """Return what a method minimises on a batch.

    Args:
        model: The model in training.
        before: The model before it.
        gone: What is to be forgotten; for "idk", with the answer that is to take its place.
        rest: Kept pairs.
        method: One of `evaluation.finetuned.recipe.METHODS`.
    """
    logits, answers, rows = _answered(model, gone)
    lengths = torch.tensor([len(one.answer) for one in gone], dtype=torch.float32)
    right = _sums(logits, answers, rows, len(gone))
    if method == "idk":
        loss = cross_entropy(logits, answers)
    elif method == "npo":
        with torch.no_grad():
            reference = _sums(*_answered(before, gone), len(gone))
        loss = losses.npo(right, reference)
    elif method == "simnpo":
        loss = losses.simnpo(right, lengths)
    else:
        loss = losses.ascent(right, lengths)
    if method == "ga":
        return loss
    logits, answers, _ = _answered(model, rest)
    if method == "kl":
        with torch.no_grad():
            reference = _answered(before, rest)[0]
        return loss + losses.divergence(logits, reference)
    return loss + cross_entropy(logits, answers)


def _forgotten(tokenizer: Any, pair: QAPair, known: Example, recipe: Unlearning, rng: random.Random) -> Example:
    return example(tokenizer, QAPair(pair.question, rng.choice(IGNORANCE))) if recipe.method == "idk" else known


def _answered(model: Any, batch: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the logits at the answers' tokens, float [tokens, vocabulary], the tokens, and the row of each, int64 [tokens]."""
    ids, targets = collate(batch)
    wanted = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16, enabled=native_bfloat16()):
        logits = model.lm_head(model.model(ids, use_cache=False).last_hidden_state[wanted])
    return logits.float(), targets[wanted], wanted.nonzero()[:, 0]


def _sums(logits: Tensor, answers: Tensor, rows: Tensor, count: int) -> Tensor:
    """Return the log probability of each answer, float [count]."""
    found = torch.log_softmax(logits, -1).gather(1, answers.unsqueeze(1)).squeeze(1)
    return torch.zeros(count).index_add(0, rows, found)
