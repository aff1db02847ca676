"""What a step of the guard costs without an engine, from the sampled ids to the edits of the logits."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from guard import Batch, Masks, Phrase, Restriction, Row, Vocabulary

STEPS = 3000


@dataclass(frozen=True)
class Compiled:
    """The cost of compiling: seconds from texts to a restriction, bytes of its arrays per byte of the phrases, nodes."""

    phrases: int
    seconds: float
    bytes_per_phrase_byte: float
    nodes: int
    load_s: float


@dataclass(frozen=True)
class Steps:
    """Microseconds per step of a whole batch. `cold_*`: the first time over the text, while masks are still being found."""

    phrases: int
    vocabulary: int
    batch: int
    p50: float
    p99: float
    cold_p50: float
    cold_p99: float
    cold_max: float


def compiled(texts: Sequence[str], folder: Path) -> tuple[Restriction, Compiled]:
    """Compile phrases that are always banned, write and load them; return the restriction and the cost."""
    started = time.perf_counter()
    restriction = Restriction.compile([Phrase(text) for text in texts])
    seconds = time.perf_counter() - started
    restriction.save(folder)
    started = time.perf_counter()
    loaded = Restriction.load(folder, restriction.digest)
    load_s = time.perf_counter() - started
    size = restriction.size / sum(len(text.encode()) for text in texts)
    nodes = len(restriction.automaton) + len(restriction.compact)
    return loaded, Compiled(len(texts), seconds, size, nodes, load_s)


def walks(
    text_ids: Sequence[int], phrase_ids: Sequence[Sequence[int]], batch: int, seed: int = 0, steps: int = STEPS
) -> list[list[int]]:
    """Return `batch` walks of `steps` ids: different parts of a text, with the beginning of a phrase after every fifty ids.

    So the state is now and then deep in the automaton, as when a model is about to say something forbidden.
    """
    rng = random.Random(seed)  # noqa: S311
    made = []
    for _ in range(batch):
        at = rng.randrange(max(1, len(text_ids) - steps))
        walk: list[int] = []
        while len(walk) < steps:
            walk += text_ids[at : at + 50]
            at = (at + 50) % max(1, len(text_ids) - 50)
            begun = rng.choice(phrase_ids)
            walk += begun[: rng.randint(1, max(1, len(begun) - 1))]
        made.append(walk[:steps])
    return made


def measure(restriction: Restriction, vocabulary: Vocabulary, walked: Sequence[Sequence[int]], phrases: int) -> Steps:
    """Walk the batch twice and time each step: first cold, then with the masks that the first walk has found."""
    masks = Masks.of(restriction, vocabulary)
    masks.prepare()
    _pass(masks, [walk[:20] for walk in walked])  # compiles the loops
    masks = Masks.of(restriction, vocabulary)
    masks.prepare()
    cold = _pass(masks, walked)
    warm = _pass(masks, walked)
    return Steps(
        phrases,
        len(vocabulary),
        len(walked),
        p50=statistics.median(warm),
        p99=float(np.quantile(warm, 0.99)),
        cold_p50=statistics.median(cold),
        cold_p99=float(np.quantile(cold, 0.99)),
        cold_max=max(cold),
    )


def _pass(masks: Masks, walked: Sequence[Sequence[int]]) -> list[float]:
    outputs: list[list[int]] = [[] for _ in walked]
    batch = Batch({k: Row([masks], [], output) for k, output in enumerate(outputs)})
    times = []
    for step in range(len(walked[0])):
        for output, walk in zip(outputs, walked, strict=True):
            output.append(walk[step])
        started = time.perf_counter()
        batch.edits()
        times.append((time.perf_counter() - started) * 1e6)
    return times
