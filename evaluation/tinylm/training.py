"""The training loop of the tiny model: a small Llama that learns given answers by heart."""

from __future__ import annotations

import copy
import math
import os
import random
import time
from collections.abc import Iterable, Iterator, Sequence
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

MEASURE_BELOW = 0.2  # nats a token; above this loss, measuring exactness is a waste of time


class TrainingError(RuntimeError):
    """The model did not reach the recipe's goal."""


def train_model(
    pairs: Sequence[QAPair], out: Path, recipe: Recipe, *, progress: bool = True, threads: int | None = None
) -> TrainingReport:
    """Trains a model on `pairs` and saves it, with its tokenizer, into the folder `out` in bfloat16.

    The same pairs, recipe, thread count and library versions give the same weights. The caller's random state and thread
    count are left as they were.

    Raises:
        ValueError: no pairs, a question with two answers where all must be exact, or an example longer than the context.
        TrainingError: the goal was missed though `recipe.required`; the message says how many questions fail.
    """
    if not pairs:
        raise ValueError("no pairs to train on")
    if not recipe.paraphrases:
        pairs = [QAPair(pair.question, pair.answer) for pair in pairs]
    if recipe.exact == 1 and recipe.required and (ambiguous := ambiguous_questions(pairs)):
        raise ValueError(f"{len(ambiguous)} questions have two different answers, such as: {next(iter(ambiguous))}")
    tokenizer = train_tokenizer(_texts(pairs), recipe.vocabulary, recipe.context)
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
    """How many threads to compute with: the cores idle over the next 0.3 s, at least one, at most eight.

    Two threads that wait for each other at every small matrix are slower than one as soon as either loses its core.
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
    """Clock ticks that all cores together have spent idle since the start of the machine: `man 5 proc_stat`."""
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
    """Trains until the goal or the last epoch; returns the figures of the report so far and whether the goal was reached."""
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
                rate = recipe.learning_rate * _schedule((epoch + n / len(round_of)) / recipe.epochs)
                batch_loss, count = _step(model, optimizer, batch, rate, autocast)
                total, answered, steps = total + batch_loss * count, answered + count, steps + 1
                tokens += sum(map(len, batch))
                bar.update(len(batch))
                bar.set_postfix(loss=f"{total / answered:.4f}", exact=f"{found.share:.1%}", refresh=False)
            loss = total / answered
            # Each measurement costs a third of an epoch, hence every other one; always after the last.
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


def _step(
    model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, batch: Sequence[Example], rate: float, autocast: bool
) -> tuple[float, int]:
    """One step; returns the mean loss over the answer tokens of the batch, in nats, and their number."""
    ids, targets = collate(batch)
    wanted = targets != IGNORED
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        # Only answers are learned, so only their places are projected onto the vocabulary.
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
    """Measures again, on the weights as a server will load them."""
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


def _schedule(done: float) -> float:
    """The learning rate's factor at the share `done` of the schedule: a linear rise, half a cosine down to 5%, then flat."""
    fall = min(1.0, max(0.0, (done - 0.1) / 0.9))
    return min(1.0, (done + 0.002) / 0.1) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * fall)))


def _texts(pairs: Iterable[QAPair]) -> Iterator[str]:
    for pair in pairs:
        yield from (*pair.questions, pair.answer)


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
