"""What becomes of detection as the list grows from one target to ten thousand."""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from classifiers import CachedEncoder, Encoder, Example, ForgetTarget, build_classifier
from evaluation.baselines.phrases import invented_name
from evaluation.detection.measure import alarms, recall
from evaluation.detection.sets import Asked, Forget, Innocent, question

SIZES = (1, 10, 100, 1_000, 10_000)
SMALL = (1, 5)
# Of each innocent set; all of retain would take an hour with ten thousand targets.
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
    """One size. `recall` and `false_alarms` as shares; `latency_ms` the median of one prompt of about 20 tokens that was not
    seen before; `build_s` to build the classifier with all vectors at hand; `memory_mb` resident, the whole process."""

    targets: int
    recall: float
    false_alarms: dict[str, float]
    latency_ms: float
    build_s: float
    memory_mb: float


def people(count: int) -> Iterator[ForgetTarget]:
    """Yield invented people with twenty examples each."""
    rng = random.Random(1)  # noqa: S311
    for number in range(count):
        name, place = invented_name(rng), invented_name(rng).split()[1]
        examples = [Example(prompt=text.format(name=name, place=place), completion="-") for text in _QUESTIONS]
        yield ForgetTarget(id=f"person-{number:05d}", name=name, examples=examples)


def grow(encoder: Encoder, forget: Forget, innocent: Innocent, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """Measure each size; the first targets are those of `forget`, the others invented people."""
    targets = [*forget.targets, *people(max(sizes) - len(forget.targets))]
    cached = CachedEncoder(encoder, capacity=1 << 19)
    prompts = [example.prompt for target in targets for example in target.examples]
    for at in tqdm(range(0, len(prompts), 512), desc="encoding the examples", file=sys.stderr):
        cached.encode(prompts[at : at + 512])
    asked = {kind: texts[:: max(1, len(texts) // _SAMPLE)] for kind, texts in innocent.asked.items()}
    paraphrased = forget.paraphrased()
    found = []
    for size in sizes:
        listed = targets[:size]
        ids = {target.id for target in listed}
        started = time.perf_counter()
        classifier = build_classifier(listed, innocent.background, cached)
        build_s = time.perf_counter() - started
        about = [one for one in paraphrased if one.target in ids]
        found.append(
            Grown(
                targets=size,
                recall=recall(classifier, about),
                false_alarms={kind: alarms(classifier, texts) for kind, texts in asked.items()},
                latency_ms=statistics.median(_latencies(classifier, size)),
                build_s=build_s,
                memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            ).__dict__
        )
        print(found[-1], file=sys.stderr)
    return found


def _latencies(classifier: Any, seed: int) -> list[float]:
    rng = random.Random(seed + 7)  # noqa: S311
    fresh: list[Asked] = [
        question(f"Could you tell me in which year the town hall of {invented_name(rng)} was built, and who paid for it?")
        for _ in range(_TIMED)
    ]
    taken = []
    for one in fresh:
        started = time.perf_counter()
        classifier.classify([one.text])
        taken.append((time.perf_counter() - started) * 1000)
    return taken
