"""What screening by meaning costs: encoding the windows of a prompt and searching the examples of ten thousand targets.

Run it with `python -m evaluation.speed.screening`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from classifiers import SentenceEncoder
from classifiers.meaning.encoder import Vectors, unit_rows
from classifiers.meaning.index import ExampleIndex
from classifiers.reading.windows import windows
from evaluation.data import tofu

TARGETS, EXAMPLES = 10_000, 20
LENGTHS = (32, 512)
LEAST = 0.75
ROUNDS = 60
SEED = 0
# Length of the noise on a real question's vector: two copies of one then have a cosine of 0.86.
NOISE = 0.4


def examples(questions: Vectors, count: int, rng: np.random.Generator) -> Vectors:
    """Return `count` unit vectors, float32 [count, d], each near one of `questions`."""
    result = np.empty((count, questions.shape[1]), np.float32)
    for at in range(0, count, 20_000):
        chosen = questions[rng.integers(0, len(questions), min(20_000, count - at))]
        noise = rng.normal(0, NOISE / np.sqrt(chosen.shape[1]), chosen.shape)
        result[at : at + len(chosen)] = unit_rows((chosen + noise).astype(np.float32))
    return result


def prompts(encoder: SentenceEncoder, texts: Iterator[str], tokens: int, count: int) -> list[str]:
    """Return at most `count` prompts, each of as many of the next words of `texts` as make up `tokens` word pieces."""
    result: list[str] = []
    words: list[str] = []
    pieces = 0
    for text in texts:
        for word in text.split():
            pieces += encoder.pieces(word)
            words.append(word)
            if pieces >= tokens:
                result.append(" ".join(words))
                words, pieces = [], 0
        if len(result) >= count:
            break
    return result[:count]


def measure(targets: int = TARGETS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return milliseconds by prompt length: `p50`, `p99`, and the medians of cutting, encoding and searching.

    The prompts are TOFU's kept answers one after the other, which no example is about. Each is new, so no cache helps. There is
    one client, so torch and the search have the cores for themselves.

    Raises:
        FileNotFoundError: TOFU is missing.
    """
    encoder = SentenceEncoder()
    rng = np.random.default_rng(SEED)
    rows = tofu("retain90")
    count = targets * EXAMPLES
    index = ExampleIndex(examples(encoder.encode([row["question"] for row in rows[: min(1000, count)]]), count, rng))
    return {
        "targets": targets,
        "examples": len(index),
        **{
            str(tokens): _latency(encoder, index, prompts(encoder, _stories(rows), tokens, rounds + 2))
            for tokens in tqdm(LENGTHS, desc="prompt lengths", disable=None)
        },
    }


def _stories(rows: Sequence[dict[str, str]]) -> Iterator[str]:
    # From the far end: the examples are made of the first questions.
    return (row["answer"] for row in reversed(rows))


def _latency(encoder: SentenceEncoder, index: ExampleIndex, texts: Sequence[str]) -> dict[str, float]:
    parts: list[tuple[float, float, float]] = []
    counts = []
    for text in texts:
        started = time.perf_counter()
        cut = windows(text)
        at_cut = time.perf_counter()
        vectors = encoder.encode(cut)
        at_encoded = time.perf_counter()
        index.above(vectors, np.full(len(cut), LEAST, np.float32))
        parts.append((at_cut - started, at_encoded - at_cut, time.perf_counter() - at_encoded))
        counts.append(len(cut))
    # The first two wait for compilation and for memory to be mapped.
    times = np.array(parts[2:]) * 1000
    return {
        "p50": round(float(np.median(times.sum(axis=1))), 2),
        "p99": round(float(np.quantile(times.sum(axis=1), 0.99)), 2),
        **{
            name: round(float(value), 2)
            for name, value in zip(("cut", "encode", "search"), np.median(times, axis=0), strict=True)
        },
        "windows": statistics.median(counts),
    }


def main() -> None:
    """Print what `measure` returns as a table."""
    result = measure()
    table = Table("tokens", "p50 ms", "p99 ms", "cut", "encode", "search", "windows", title=f"{result['examples']} examples")
    for tokens in LENGTHS:
        row = result[str(tokens)]
        table.add_row(str(tokens), *(str(row[name]) for name in ("p50", "p99", "cut", "encode", "search", "windows")))
    Console().print(table)


if __name__ == "__main__":
    main()
