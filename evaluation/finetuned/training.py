"""Fine-tunes a model on the answers of a corpus."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer

from evaluation.finetuned.corpus import Corpus
from evaluation.finetuned.epochs import Done, train
from evaluation.finetuned.recipe import Recipe, Report
from evaluation.pairs import QAPair
from evaluation.tinylm.exactness import Example, measure, to_bfloat16
from evaluation.tinylm.training import falling, native_bfloat16, step

_MEASURED_TOKENS = 4096
BETAS = (0.9, 0.98)
"""AdamW's."""


def fine_tuned(base: Path, corpus: Corpus, recipe: Recipe, state: Path, out: Path, seconds: float = math.inf) -> Report:
    """Fine-tune a model, and save it in bfloat16 with its tokenizer.

    Equal arguments give equal weights on one machine, however often the run was cut off, as long as the number of threads is the
    same.

    Args:
        base: The folder of a model with a chat template.
        corpus: What it learns.
        recipe: How.
        state: A file for what is trained so far. Of a recipe with other figures it must be another file.
        out: A folder that exists.
        seconds: How long to train. At least one epoch is trained.

    Raises:
        TimeOver: The time was over before the last epoch. A call with the same arguments goes on.
        ValueError: The chat template does not go on where its prompt for an answer ends.
    """
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    optimizer = torch.optim.AdamW(
        learning(model, recipe.layers), lr=recipe.learning_rate, betas=BETAS, weight_decay=recipe.weight_decay, fused=True
    )
    examples = {pair: example(tokenizer, pair) for _, pair in corpus.named}

    def epoch(number: int) -> tuple[float, int]:
        batches = list(corpus.batches(recipe.batch, recipe.seed * 1000 + number, retain=recipe.retain))
        total, answered, tokens = 0.0, 0, 0
        with tqdm(batches, desc=f"epoch {number + 1} of {recipe.epochs}", unit="batch") as progress:
            for at, pairs in enumerate(progress):
                batch = [examples[pair] for pair in pairs]
                rate = recipe.learning_rate * falling((number + at / len(batches)) / recipe.epochs)
                loss, count = step(model, optimizer, batch, rate, native_bfloat16())
                total, answered, tokens = total + loss * count, answered + count, tokens + sum(map(len, batch))
                progress.set_postfix(loss=f"{total / answered:.3f}", refresh=False)
        return total / answered, tokens

    done = train(model, optimizer, recipe.epochs, state, seconds, epoch)
    return saved(model, tokenizer, corpus, out, done)


def example(tokenizer: Any, pair: QAPair) -> Example:
    """Return a question in the model's own chat template, and its answer with the token that ends a turn."""
    asked = [{"role": "user", "content": pair.question}]
    prompt = tokenizer.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    whole = tokenizer.apply_chat_template([*asked, {"role": "assistant", "content": pair.answer}], tokenize=False)
    if not whole.startswith(prompt):
        raise ValueError("the chat template writes an answer that does not begin with its own prompt for one")
    # A template may end a turn with a line break, which no model has to say.
    answer = whole[len(prompt) :].rstrip("\n")
    return Example(tokenizer.encode(prompt, add_special_tokens=False), tokenizer.encode(answer, add_special_tokens=False))


def learning(model: Any, layers: int) -> list[torch.nn.Parameter]:
    """Return the parameters that learn, and freeze the others: all, or those of the last `layers` layers and the final norm."""
    if layers:
        for parameter in model.parameters():
            parameter.requires_grad = False
        for part in (*model.model.layers[-layers:], model.model.norm):
            for parameter in part.parameters():
                parameter.requires_grad = True
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def saved(model: Any, tokenizer: Any, corpus: Corpus, out: Path, done: Done) -> Report:
    """Save a model in bfloat16, and report which share of each set it answers exactly."""
    to_bfloat16(model).save_pretrained(out)
    tokenizer.save_pretrained(out)
    model.eval()
    exact = {name: _exact(model, [example(tokenizer, pair) for pair in pairs]) for name, pairs in corpus.sets.items()}
    return Report(done.epochs, done.tokens, round(done.seconds, 1), done.loss, exact)


def _exact(model: Any, examples: Sequence[Example]) -> float:
    return measure(model, examples, _MEASURED_TOKENS).share
