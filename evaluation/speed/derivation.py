"""Measures the steps of guard/DESIGN.md, from the naive four lines to the fast form.

`python -m evaluation.speed.derivation` prints how many microseconds it takes to find what is banned in one state: at the
beginning of a word, and inside a phrase.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.baselines.phrases import phrases as invented
from evaluation.soundness.fuzz import tekken
from guard import Cursor, Masks, Phrase, Restriction, Vocabulary, reference
from guard.matching import kernels

SAMPLE = 400


def microseconds(call: Callable[[], Any], times: int = 50) -> float:
    """Return the median time of `times` calls in microseconds, after one call that does not count."""
    call()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1e6)
    return statistics.median(taken)


def naive(drawn: list[Phrase], said: bytes, vocabulary: Vocabulary) -> float:
    """Return the microseconds of the slow reference for a whole vocabulary, scaled up from a sample of its tokens."""
    tokens = [vocabulary.raw[t] for t in range(2000, 2000 + 40 * SAMPLE, 40)]
    took = microseconds(lambda: [reference.penalty(drawn, [said], token) for token in tokens], times=1)
    return took * len(vocabulary) / len(tokens)


def derive(sizes: tuple[int, ...] = (100, 10_000, 100_000)) -> dict[str, Any]:
    """Return the microseconds of every form on tekken's 131,072 tokens, by number of phrases and place."""
    vocabulary = tekken()
    results: dict[str, Any] = {}
    for size in sizes:
        drawn = [Phrase(text, "gated") for text in invented(size)]
        with tempfile.TemporaryDirectory() as folder:
            restriction = Restriction.compile(drawn)
            restriction.save(Path(folder))
        automaton = restriction.automaton
        places = {"word": "He said that ", "phrase": "He said that " + drawn[0].text[: len(drawn[0].text) - 3]}
        for place, said in places.items():
            masks = Masks.of(restriction, vocabulary)
            masks.prepare()
            node = automaton.walk(automaton.start, np.frombuffer(said.lower().encode(), np.uint8))
            arrays = (*automaton.paths, *automaton.ends)
            cursor = Cursor(masks)
            cursor.node = node
            results[f"{size} {place}"] = {
                "naive_us": naive(drawn[:100], said.encode(), vocabulary) * max(1, size / 100),
                "scan_us": microseconds(
                    lambda a=arrays, n=node: kernels.hits(*a, n, vocabulary.text, vocabulary.start, 0), times=15
                ),
                "descent_us": microseconds(lambda m=masks, n=node, a=automaton: [m._continuations(c) for c in a.chain(n)[:-1]]),
                "cached_us": microseconds(cursor.bans, times=500),
            }
    return results


if __name__ == "__main__":
    print(json.dumps(derive(), indent=2))
