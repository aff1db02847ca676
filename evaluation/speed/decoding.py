"""The decode-time benchmark: compiling, steps, throughput, and the rivals, in one run."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from evaluation.baselines import naive, no_bad_words, vllm_bad_words
from evaluation.baselines.models import random_llama, small_tokenizer, tekken_tokenizer, texts_in
from evaluation.baselines.phrases import phrases as invented
from evaluation.baselines.timing import StepCost
from evaluation.data import BOOKS
from evaluation.demo import load_demo
from evaluation.speed import steps, throughput
from guard import Vocabulary
from guard.tokens.tokenizers import vocabulary_of

SIZES = (10, 100, 1_000, 10_000, 100_000)
BATCHES = (1, 16, 64)
BAD_WORDS = (10, 100, 128)
# Preparing GUARD's decoder encodes every word of every phrase: beyond this it takes minutes.
MOST_GUARD = 1_000


@dataclass(frozen=True)
class Effort:
    """How much to measure: numbers of phrases, steps of each walk, vocabularies, and what the engine generates."""

    sizes: tuple[int, ...] = SIZES
    steps: int = steps.STEPS
    vocabularies: tuple[str, ...] = ("8k", "131k")
    throughput: throughput.Effort = throughput.FULL


SMALL = Effort((10,), 50, ("131k",), throughput.SMALL)


@cache
def texts(count: int) -> tuple[str, ...]:
    """Return `count` invented phrases."""
    return tuple(invented(count))


def spoken() -> str:
    """Return a text to walk through: a novel, or where that is missing the demo's answers, twenty times."""
    novel = BOOKS / "sherlock_holmes.txt"
    if novel.exists():
        return novel.read_text(encoding="utf-8")[:150_000]
    return " ".join(pair.answer for pair in load_demo().pairs) * 20


def tokenizers(names: Sequence[str]) -> dict[str, PreTrainedTokenizerFast]:
    """Return the tokenizers of these vocabularies ("8k", "131k"), by name."""
    makers = {"8k": lambda: small_tokenizer(texts_in(BOOKS) if BOOKS.exists() else None), "131k": tekken_tokenizer}
    return {name: makers[name]() for name in names}


def ours(tokenizer: PreTrainedTokenizerFast, folder: Path, effort: Effort) -> tuple[list[steps.Compiled], list[steps.Steps]]:
    """Measure compiling by number of phrases, and the guard's steps by number of phrases and batch size."""
    vocabulary = vocabulary_of(tokenizer.backend_tokenizer.to_str(), len(tokenizer))
    ids = tokenizer.encode(spoken(), add_special_tokens=False)
    costs, measured = [], []
    steps.compiled(texts(10), folder)  # compiles the loops, so that their compilation is not measured
    for size in effort.sizes:
        restriction, cost = steps.compiled(texts(size), folder)
        costs.append(cost)
        begun = [tokenizer.encode(" " + text, add_special_tokens=False) for text in texts(size)[:200]]
        measured += [
            steps.measure(restriction, vocabulary, steps.walks(ids, begun, batch, batch, effort.steps), size) for batch in BATCHES
        ]
        print(measured[-len(BATCHES)], file=sys.stderr)
    return costs, measured


def rivals(tokenizer: PreTrainedTokenizerFast, vocabulary: Vocabulary, model: Path, most: int) -> dict[str, list[dict[str, Any]]]:
    """Measure a step of one row under each rival, by number of phrases, until a step takes more than five seconds.

    Args:
        tokenizer: the model's.
        vocabulary: the tokenizer's.
        model: folder of the model.
        most: the largest number of phrases.
    """
    from vllm.tokenizers import get_tokenizer

    width = len(tokenizer)
    in_vllm = get_tokenizer(str(model))  # vLLM's operation needs vLLM's kind of tokenizer

    def over(sizes: Sequence[int], measure: Callable[[tuple[str, ...]], StepCost]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for size in (size for size in sizes if size <= most):
            if found and found[-1]["median_us"] > 5e6 and not found[-1]["estimated"]:
                break
            found.append(asdict(measure(texts(size))))
            print(found[-1], file=sys.stderr)
        return found

    return {
        "vllm bad_words": over([10, 100, 128, *SIZES[2:4]], lambda drawn: vllm_bad_words.step_cost(in_vllm, drawn, width)),
        "transformers NoBadWords": over(SIZES[:4], lambda drawn: no_bad_words.step_cost(tokenizer, drawn, width)),
        "naive": over(SIZES[:3], lambda drawn: naive.step_cost(drawn, vocabulary)),
        "GUARD (beam 7, trie, SBERT)": _guard_paper(tokenizer, model, min(most, MOST_GUARD)),
    }


def _guard_paper(tokenizer: PreTrainedTokenizerFast, folder: Path, most: int) -> list[dict[str, Any]]:
    import torch
    from transformers import AutoModelForCausalLM

    from classifiers import CachedEncoder, SentenceEncoder
    from evaluation.baselines.forbidden import Forbidden
    from evaluation.baselines.guard_paper import generate_guarded, step_us

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    encoder = SentenceEncoder()
    prompt = tokenizer.encode(spoken()[:200], add_special_tokens=False)
    found = []
    for size in SIZES:
        if size > most:
            break
        forbidden = Forbidden.of(texts(size), tokenizer, CachedEncoder(encoder, capacity=1 << 17).encode)
        result = generate_guarded(model, tokenizer, prompt, forbidden, encoder.encode, 12, delta=2.0, ignore_end=True)
        model_us, matching_us = step_us(result)
        found.append({"phrases": size, "width": len(tokenizer), "batch": 1, "median_us": matching_us, "model_us": model_us})
        print(found[-1], file=sys.stderr)
    return found


def measure(effort: Effort, with_rivals: bool = True) -> dict[str, Any]:
    """Run everything, or everything without the rivals and vLLM's bad words; return the figures as plain data."""
    most = max(effort.sizes)
    words = [count for count in BAD_WORDS if count <= most] if with_rivals else []
    results: dict[str, Any] = {"steps": {}, "compiled": {}, "throughput": {}, "rivals": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name, tokenizer in tokenizers(effort.vocabularies).items():
            place = Path(folder) / name
            model = random_llama(place / "model", tokenizer)
            costs, measured = ours(tokenizer, place, effort)
            results["compiled"][name] = [asdict(cost) for cost in costs]
            results["steps"][name] = [asdict(one) for one in measured]
            vocabulary = vocabulary_of(tokenizer.backend_tokenizer.to_str(), len(tokenizer))
            results["rivals"][name] = rivals(tokenizer, vocabulary, model, most) if with_rivals else {}
            found = asyncio.run(throughput.measure(model, len(tokenizer), texts, effort.sizes, words, effort.throughput))
            results["throughput"][name] = {**asdict(found), "idle_ratio": found.idle_ratio}
            print(results["throughput"][name]["ratio"], found.idle_ratio, file=sys.stderr)
    return results
