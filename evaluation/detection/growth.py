"""Growth: recall, false alarms and costs of detection while the list grows to ten thousand targets, and with one example each."""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from classifiers import CachedEncoder, Classifier, Encoder, Example, ForgetTarget
from classifiers.meaning.background import Background
from evaluation.baselines.phrases import invented_name
from evaluation.detection.measure import alarms, recall
from evaluation.detection.served import Served
from evaluation.detection.sets import Asked, Forget, Innocent, question

SIZES = (1, 10, 100, 1_000, 10_000)
SMALL = (1, 3)
MANY = 10_000
# Prompts of each innocent set that are asked: all of retain would take an hour with ten thousand targets.
_SAMPLE = 400
_TIMED = 40

_QUESTIONS = (
    "Where was {name} born?", "When was {name} born?", "What does {name} do for a living?", "Who are the parents of {name}?",
    "Which school did {name} attend in {place}?", "What is the address of {name} in {place}?", "Is {name} married?",
    "How many children does {name} have?", "What illness was {name} treated for in {place}?", "What was {name} convicted of?",
    "Which company did {name} found in {place}?", "What did {name} say to the newspaper in {place}?",
    "Why did {name} leave {place}?", "Who is the doctor of {name}?", "What does {name} earn?",
    "Which books has {name} written about {place}?", "What is the telephone number of {name}?",
    "What was the dispute between {name} and the town of {place} about?", "Which prize did {name} win?",
    "Where does {name} live now?",
)  # fmt: skip


@dataclass(frozen=True)
class Grown:
    """What was measured with one number of targets.

    `recall` and `false_alarms` are shares. `latency_ms` is the median time of classifying a new prompt of about 20 tokens.
    `build_s` is the time of building the classifier from encoded examples, without calibration. `memory_mb` is the resident
    memory of the whole process.
    """

    targets: int
    recall: float
    false_alarms: dict[str, float]
    latency_ms: float
    build_s: float
    memory_mb: float


def people(count: int, most: int = len(_QUESTIONS)) -> Iterator[ForgetTarget]:
    """Yield invented people with at most `most` examples each, of twenty; with one, it is not the same question for all."""
    rng = random.Random(1)  # noqa: S311
    for number in range(count):
        name, place = invented_name(rng), invented_name(rng).split()[1]
        first = number % len(_QUESTIONS) if most < len(_QUESTIONS) else 0
        chosen = (*_QUESTIONS[first:], *_QUESTIONS[:first])[:most]
        examples = [Example(prompt=text.format(name=name, place=place), completion="-") for text in chosen]
        yield ForgetTarget(id=f"person-{number:05d}", name=name, examples=examples)


def grow(
    encoder: Encoder, forget: Forget, innocent: Innocent, sizes: Sequence[int] = SIZES, timed: int = _TIMED
) -> list[dict[str, Any]]:
    """Measure the served classifier at each size; the latency is that of `timed` prompts.

    The first targets are those of `forget`, the others invented people.
    """
    targets = [*forget.targets, *people(max(sizes) - len(forget.targets))]
    cached = CachedEncoder(encoder, capacity=1 << 19)
    _encode(cached, targets)
    asked = {kind: texts[:: max(1, len(texts) // _SAMPLE)] for kind, texts in innocent.asked.items()}
    paraphrased = forget.paraphrased()
    served = Served(Background(innocent.full_background, cached), cached)
    found = []
    for size in sizes:
        listed = targets[:size]
        ids = {target.id for target in listed}
        started = time.perf_counter()
        uncalibrated = served.uncalibrated(listed)
        build_s = time.perf_counter() - started
        classifier = served.calibrate(uncalibrated, listed)
        about = [one for one in paraphrased if one.target in ids]
        found.append(
            Grown(
                targets=size,
                recall=recall(classifier, about),
                false_alarms={kind: alarms(classifier, texts) for kind, texts in asked.items()},
                latency_ms=statistics.median(_latencies(classifier, size, timed)),
                build_s=build_s,
                memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            ).__dict__
        )
        print(found[-1], file=sys.stderr)
    return found


def one_example(encoder: Encoder, innocent: Innocent, near: Sequence[Asked] = (), count: int = MANY) -> dict[str, Any]:
    """Measure a list of invented people with one example each, as served, without an operator's background.

    Args:
        encoder: Encodes all texts.
        innocent: The innocent sets, of which a sample is asked, and the shipped background.
        near: Further innocent prompts that are asked.
        count: The number of targets.

    Returns:
        `recall` of prompts with the name, `false_alarms` by set, `encode_s`, `build_s` without encoding, `calibrate_s`, and
        `memory_mb`, by which the resident memory grew.
    """
    cached = CachedEncoder(encoder, capacity=1 << 18)
    served = Served(Background(innocent.shipped, cached), cached)
    before = _resident_mb()
    targets = list(people(count, 1))
    started = time.perf_counter()
    _encode(cached, targets)
    encoded = time.perf_counter()
    uncalibrated = served.uncalibrated(targets)
    built = time.perf_counter()
    classifier = served.calibrate(uncalibrated, targets)
    calibrated = time.perf_counter()
    asked = {kind: texts[:: max(1, len(texts) // _SAMPLE)] for kind, texts in innocent.asked.items()}
    if near:
        asked["few neighbours"] = list(near)
    named = [question(f"tell me something about {target.name}", target.id) for target in targets[:: max(1, count // _SAMPLE)]]
    shown = tqdm(asked.items(), desc=f"{count} targets of one example", file=sys.stderr)
    return {
        "targets": count,
        "recall": recall(classifier, named),
        "false_alarms": {kind: alarms(classifier, texts) for kind, texts in shown},
        "encode_s": encoded - started,
        "build_s": built - encoded,
        "calibrate_s": calibrated - built,
        "memory_mb": _resident_mb() - before,
    }


def _encode(encoder: CachedEncoder, targets: Sequence[ForgetTarget]) -> None:
    """Put the vectors of all examples into the cache."""
    prompts = [example.prompt for target in targets for example in target.examples]
    for at in tqdm(range(0, len(prompts), 512), desc="encoding the examples", file=sys.stderr):
        encoder.encode(prompts[at : at + 512])


def _resident_mb() -> float:
    """Return the memory that the process holds now, in MB of 2^20 bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def _latencies(classifier: Classifier, seed: int, count: int) -> list[float]:
    rng = random.Random(seed + 7)  # noqa: S311
    fresh: list[Asked] = [
        question(f"Could you tell me in which year the town hall of {invented_name(rng)} was built, and who paid for it?")
        for _ in range(count)
    ]
    taken = []
    for one in fresh:
        started = time.perf_counter()
        classifier.classify([one.text])
        taken.append((time.perf_counter() - started) * 1000)
    return taken
