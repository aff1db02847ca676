"""What forms cost: nodes, bytes, the time to compile, and the time of a step, with and without them, in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluation.speed import steps
from evaluation.speed.decoding import spoken, texts, tokenizers
from guard import Phrase, Restriction
from guard.forms import forms_of
from guard.tokens.tokenizers import vocabulary_of

BATCH = 16


@dataclass(frozen=True)
class Cost:
    """What one list of names costs.

    `always` and `gated` count the nodes of the restrictions of each scope, all automata of one together. `made_s` is the time to
    derive the forms, `compile_s` that to compile both restrictions. `p50` and `p99` are microseconds per step of sixteen rows
    under the always-on restriction.
    """

    names: int
    phrases: int
    always: int
    gated: int
    bytes: int
    made_s: float
    compile_s: float
    p50: float
    p99: float


def nodes(restriction: Restriction) -> int:
    """Return the number of nodes in all automata of a restriction."""
    return sum(len(part) for part in (restriction.automaton, restriction.compact, restriction.gaps) if part)


def measure(count: int, length: int = steps.STEPS) -> dict[str, Any]:
    """Measure `count` invented names without and with forms; `length` is the number of steps of each walk.

    Returns:
        The costs without and with forms, and the ratios of nodes, bytes and step times.
    """
    [tokenizer] = tokenizers(["131k"]).values()
    vocabulary = vocabulary_of(tokenizer.backend_tokenizer.to_str(), len(tokenizer))
    ids = tokenizer.encode(spoken(), add_special_tokens=False)
    names = texts(count)
    begun = [tokenizer.encode(" " + name, add_special_tokens=False) for name in names[:200]]
    walked = steps.walks(ids, begun, BATCH, BATCH, length)
    forms_of(Phrase("Ann Bellweather"), name=True)  # loads the word lists, so that loading them is not measured
    plain = [Phrase(name) for name in names]
    started = time.perf_counter()
    formed = [form for phrase in plain for form in forms_of(phrase, name=True)]
    made_s = time.perf_counter() - started
    without, with_forms = (
        _cost(phrases, count, seconds, lambda restriction: steps.measure(restriction, vocabulary, walked, count))
        for phrases, seconds in ((plain, 0.0), ([*plain, *formed], made_s))
    )
    return {
        "without": asdict(without),
        "with": asdict(with_forms),
        "nodes_ratio": (with_forms.always + with_forms.gated) / without.always,
        "bytes_ratio": with_forms.bytes / without.bytes,
        "step_ratio": with_forms.p50 / without.p50,
    }


def _cost(phrases: Sequence[Phrase], names: int, made_s: float, stepped: Any) -> Cost:
    parts = [[phrase for phrase in phrases if phrase.scope == scope] for scope in ("always", "gated")]
    started = time.perf_counter()
    always, gated = map(Restriction.compile, parts)
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        always.save(Path(folder))
        measured = stepped(Restriction.load(Path(folder), always.digest))
    held = nodes(gated) if parts[1] else 0
    size = always.size + (gated.size if parts[1] else 0)
    return Cost(names, len(phrases), nodes(always), held, size, made_s, seconds, measured.p50, measured.p99)


def table(results: dict[str, Any]) -> str:
    """Return the figures in plain text."""
    lines = []
    for name in ("without", "with"):
        cost = results[name]
        lines.append(
            f"{cost['names']:,} names {name} forms: {cost['phrases']:,} phrases, {cost['always']:,} + {cost['gated']:,} nodes, "
            f"{cost['bytes'] / 2**20:.1f} MiB, forms {cost['made_s']:.1f} s, compiled in {cost['compile_s']:.1f} s, "
            f"{BATCH} rows {cost['p50']:.1f} us p50, {cost['p99']:.1f} us p99"
        )
    lines.append(
        f"with / without: nodes {results['nodes_ratio']:.2f}, bytes {results['bytes_ratio']:.2f}, "
        f"step {results['step_ratio']:.2f}"
    )
    return "\n".join(lines)
