"""Latency: how long the served classifier takes for a prompt that it has not seen, beside ten thousand targets."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from classifiers import CachedEncoder, Classifier, LiveClassifier, SentenceEncoder
from classifiers.meaning.background import Background
from classifiers.meaning.nearest import example_passages
from evaluation.data import tofu
from evaluation.detection import sets
from evaluation.detection.growth import people
from evaluation.speed.screening import examples, prompts

TOKENS = (32, 512)
TARGETS = 10_000
ROUNDS = 60
# The first prompts wait for compilation, and for memory to be mapped.
_WARMING = 3


def measure(encoder: SentenceEncoder, innocent: Sequence[str], targets: int = TARGETS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return the milliseconds of reading and classifying a prompt, by its number of tokens: `median` and `p95`.

    The targets are invented people with twenty examples each. The vectors of the examples are noisy copies of vectors of TOFU's
    questions (`evaluation.speed.screening`): how long a search takes does not depend on what they mean, and two hundred
    thousand prompts take half an hour to encode. The prompts are TOFU's kept answers one after the other, each of them new, and
    there is one client.

    Args:
        encoder: Encodes the prompts.
        innocent: The background.
        targets: The number of targets.
        rounds: The number of prompts of each length.

    Raises:
        FileNotFoundError: TOFU is missing.
    """
    rows = tofu("retain90", sets.TOFU)
    cached = CachedEncoder(encoder)
    listed = list(tqdm(people(targets), total=targets, desc="targets", file=sys.stderr))
    counts = [len(example_passages(target)) for target in listed]
    near = cached.encode([row["question"] for row in rows[: min(1000, sum(counts))]])
    vectors = np.split(examples(near, sum(counts), np.random.default_rng(0)), np.cumsum(counts)[:-1])
    known = dict(zip((target.id for target in listed), vectors, strict=True))
    classifier = LiveClassifier(listed, Background(innocent, cached), cached, vectors=known)
    found: dict[str, Any] = {"targets": targets, "examples": sum(counts)}
    for tokens in TOKENS:
        texts = prompts(encoder, (row["answer"] for row in reversed(rows)), tokens, rounds + _WARMING)
        taken = times(classifier, texts)[_WARMING:]
        found[str(tokens)] = {"median": statistics.median(taken), "p95": float(np.quantile(taken, 0.95))}
    return found


def times(classifier: Classifier, texts: Sequence[str]) -> list[float]:
    """Return the milliseconds of reading and classifying each text, one after the other."""
    taken = []
    for text in tqdm(texts, desc="prompts", file=sys.stderr):
        started = time.perf_counter()
        classifier.classify([sets.question(text).text])
        taken.append((time.perf_counter() - started) * 1000)
    return taken
