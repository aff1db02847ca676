"""The training of the tiny model, a small Llama that learns given answers by heart."""

from __future__ import annotations

import copy
import math
import os
import random
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from evaluation.pairs import QAPair, ambiguous_questions
from evaluation.tinylm.exactness import IGNORED, Exactness, Example, batches, collate, generate_exact, measure, to_bfloat16
from evaluation.tinylm.recipe import Recipe, TrainingReport
from evaluation.tinylm.tokenizer import BOS, END, PAD, train_tokenizer
from evaluation.tinylm.wording import example_of, varied

MEASURE_BELOW = 0.2  # nats per token; above this loss, no measurement of exactness is worth its time


class TrainingError(RuntimeError):
    """The model did not reach the recipe's goal."""


def train_model(
    pairs: Sequence[QAPair], out: Path, recipe: Recipe, *, progress: bool = True, threads: int | None = None
) -> TrainingReport:
    """Train a model on `pairs` and save it, with its tokenizer, into the folder `out` in bfloat16.

    The same pairs, recipe, thread count and library versions give the same weights. The caller's random state and thread count
    stay as they are.

    Raises:
        ValueError: there are no pairs, a question has two answers where all must be exact, or an example is longer than the
            context.
        TrainingError: training missed a goal that `recipe.required` demands; the message says how many questions fail.
    """
    if not pairs:
        raise ValueError("no pairs to train on")
    if not recipe.paraphrases:
        pairs = [QAPair(pair.question, pair.answer) for pair in pairs]
    if recipe.exact == 1 and recipe.required and (ambiguous := ambiguous_questions(pairs)):
        raise ValueError(f"{len(ambiguous)} questions have two different answers, such as: {next(iter(ambiguous))}")
    tokenizer = train_tokenizer(chain.from_iterable(pair.texts for pair in pairs), recipe.vocabulary, recipe.context)
    plain = [(question, pair.answer) for pair in pairs for question in pair.questions]
    examples = [example_of(tokenizer, [{"role": "user", "content": question}], answer) for question, answer in plain]
    if (longest := max(map(len, examples))) > recipe.context:
        raise ValueError(f"an example has {longest} tokens, the context holds {recipe.context}")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or idle_cores())
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            model = LlamaForCausalLM(_config(tokenizer, recipe))
            report, reached = _fit(model, tokenizer, plain, examples, recipe, len(pairs), progress)
        if recipe.required and not reached:
            failed = report["questions"] - round(report["exact"] * report["questions"])
            raise TrainingError(
                f"{failed} of {report['questions']} questions are not answered exactly after {report['epochs']} epochs"
                f" (loss {report['loss']:.4f}, smallest margin {report['margin']:.2f})"
            )
        to_bfloat16(model).save_pretrained(out)
        tokenizer.save_pretrained(out)
        return _confirm(out, plain, examples, recipe, report)
    finally:
        torch.set_num_threads(before)


def idle_cores() -> int:
    """Return how many threads to compute with: the cores that are idle over the next 0.3 s, at least one, at most eight.

    Two threads wait for each other at every small matrix: as soon as one loses its core, they are slower than a single thread.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    statistics = Path("/proc/stat")
    if statistics.is_file():
        earlier = _idle_ticks(statistics)
        time.sleep(0.3)
        idle = (_idle_ticks(statistics) - earlier) / (0.3 * os.sysconf("SC_CLK_TCK"))
        cores = min(cores, round(idle))
    return max(1, min(8, cores))


def _idle_ticks(statistics: Path) -> int:
    """Return the clock ticks that all cores together have been idle since the machine started: `man 5 proc_stat`."""
    return int(statistics.read_text(encoding="ascii").split()[4])


def native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware; without that, autocast is slower than float32."""
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())


def _fit(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    plain: Sequence[tuple[str, str]],
    examples: Sequence[Example],
    recipe: Recipe,
    pairs: int,
    progress: bool,
) -> tuple[dict[str, Any], bool]:
    """Train until the goal or the last epoch; return the report's figures so far, and whether the goal was reached."""
    rng = random.Random(recipe.seed)  # noqa: S311 - nothing secret is drawn
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=recipe.weight_decay, fused=True
    )
    autocast = native_bfloat16()
    last = recipe.epochs + (recipe.extra_epochs if recipe.exact is not None else 0)
    steps = tokens = 0
    loss, found, reached = math.inf, Exactness(0, len(examples), -math.inf), False
    started, cpu_started = time.perf_counter(), time.process_time()
    with tqdm(total=recipe.epochs * len(examples), unit="q", desc="training", disable=not progress, leave=True) as bar:
        for epoch in range(last):
            round_of = batches(varied(tokenizer, plain, examples, recipe.variation, rng), recipe.batch_tokens, rng)
            total = answered = 0.0
            for n, batch in enumerate(round_of):
                rate = recipe.learning_rate * falling((epoch + n / len(round_of)) / recipe.epochs)
                batch_loss, count = step(model, optimizer, batch, rate, autocast)
                total, answered, steps = total + batch_loss * count, answered + count, steps + 1
                tokens += sum(map(len, batch))
                bar.update(len(batch))
                bar.set_postfix(loss=f"{total / answered:.4f}", exact=f"{found.share:.1%}", refresh=False)
            loss = total / answered
            # A measurement costs a third of an epoch: measure after every other one, and after the last.
            if (loss < MEASURE_BELOW and epoch % 2) or epoch == last - 1:
                found = measure(to_bfloat16(copy.deepcopy(model)), examples, 4 * recipe.batch_tokens)
                reached = _goal_reached(recipe, loss, found)
                bar.set_postfix(loss=f"{loss:.4f}", exact=f"{found.share:.1%}", refresh=True)
                if reached and recipe.exact is not None:
                    break
    seconds = time.perf_counter() - started
    report = {
        "pairs": pairs,
        "questions": len(examples),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "vocabulary": len(tokenizer),
        "epochs": epoch + 1,
        "steps": steps,
        "tokens": tokens,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu_started, 2),
        "tokens_per_second": round(tokens / seconds, 1),
        "threads": torch.get_num_threads(),
        "autocast": autocast,
        "loss": round(loss, 6),
        "exact": found.share,
        "margin": round(found.margin, 3),
    }
    return report, reached


def step(
    model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, batch: Sequence[Example], rate: float, autocast: bool
) -> tuple[float, int]:
    """Take one step; return the mean loss over the answer tokens of the batch, in nats, and their number."""
    ids, targets = collate(batch)
    wanted = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        # The model learns answers only, so only their places are projected onto the vocabulary.
        logits = model.lm_head(model.model(ids, use_cache=False).last_hidden_state[wanted])
    loss = torch.nn.functional.cross_entropy(logits.float(), targets[wanted])
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return float(loss.detach()), int(wanted.sum())


def _confirm(
    out: Path, plain: Sequence[tuple[str, str]], examples: Sequence[Example], recipe: Recipe, figures: dict[str, Any]
) -> TrainingReport:
    """Measure again, on the weights as a server loads them, and return the report. Raises TrainingError."""
    saved = LlamaForCausalLM.from_pretrained(out, dtype=torch.bfloat16).eval()
    found = measure(saved, examples, 4 * recipe.batch_tokens)
    generated = generate_exact(out, plain) / len(plain) if recipe.exact == 1 and recipe.required else None
    if recipe.exact is not None and recipe.required and min(found.share, 1.0 if generated is None else generated) < recipe.exact:
        raise TrainingError(f"the saved model answers {found.share:.2%} exactly, generating {generated or 0:.2%}")
    return TrainingReport(**{**figures, "exact": found.share, "margin": round(found.margin, 3)}, generated_exact=generated)


def _goal_reached(recipe: Recipe, loss: float, found: Exactness) -> bool:
    if recipe.exact is None:
        return True
    comfortable = recipe.exact < 1 or (loss <= recipe.loss and found.margin >= recipe.margin)
    return found.share >= recipe.exact and comfortable


def falling(done: float) -> float:
    """Return the factor of the learning rate at the share `done` of a schedule: a linear rise, half a cosine to 5%, then flat."""
    fall = min(1.0, max(0.0, (done - 0.1) / 0.9))
    return min(1.0, (done + 0.002) / 0.1) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * fall)))


def _config(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> LlamaConfig:
    heads = recipe.width // recipe.head_dim
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=recipe.head_dim,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.convert_tokens_to_ids(BOS),
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
    )
