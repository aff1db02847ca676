"""The record of the detection benchmark: tables, and the figures as JSON."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from evaluation.detection.few import KINDS, LANGUAGES, SCRIPTS
from evaluation.detection.few_measure import flat

FOLDER = Path(__file__).parent / "record"
GOALS: dict[str, Any] = {
    "recall": 0.995,
    "attack": 0.98,
    "false_alarms": 0.005,
    "few described": {3: 0.85, 5: 0.92},
    "latency_ms": {"32": 10, "512": 60},
}
# Attacks whose prompts a human reader cannot attribute to the target either: they are reported, but have no goal.
LIMITS = ("reverse_blank",)
_FOREIGN = "foreign neighbours "
_TONGUES = (*LANGUAGES, *SCRIPTS)


def keys(results: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of build/detection.json: recall and false alarms by set, the latency by tokens, and all results.

    TOFU's sets are those of forget10. A part that was not measured has no keys.
    """
    usual = results.get("side_by_side", {}).get("forget10", {}).get("guard-server", {"recall": {}, "false_alarms": {}})
    few = results.get("few", {})
    one_example = results.get("one_example", {})
    latency = {tokens: one["median"] for tokens, one in results.get("latency", {}).items() if isinstance(one, dict)}
    return {
        "recall": {
            **{f"TOFU {name}": share for name, share in usual["recall"].items()},
            **{f"attack {name}": share for name, share in results.get("attacks", {}).items()},
            **flat(few, "recall"),
        },
        "false_alarms": {
            **{f"TOFU {name}": share for name, share in usual["false_alarms"].items()},
            **{f"TOFU {name}, no operator's background": s for name, s in results.get("without_operator", {}).items()},
            **flat(few, "false_alarms"),
            **{f"one example {name}": share for name, share in one_example.get("false_alarms", {}).items()},
        },
        "latency_ms": latency,
        "results": results,
    }


def table(results: dict[str, Any], date: str) -> str:
    """Return the record as Markdown: of each part that was measured."""
    lines = [
        f"# Detection benchmark, {date}",
        "",
        f"`make eval-detection` on {os.cpu_count()} cores, no GPU, one run. A prompt counts as found if its own target is among",
        "the matches. In percent. Everything is as the server decides after its calibration, without a judge.",
        "",
    ]
    parts: dict[str, Callable[[Any], list[str]]] = {
        "few": _few_table, "side_by_side": _tofu_table, "without_operator": _without_table, "attacks": _attack_table,
        "splits": _split_table, "promised": _halves_table, "growth": _growth_table, "one_example": _one_example_table,
        "extraction": _extraction_table, "latency": _latency_table,
    }  # fmt: skip
    for part, shown in parts.items():
        if results.get(part):
            lines += [*shown(results[part]), ""]
    return "\n".join([*lines, f"![detection]({date}.png)", ""])


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _few_table(few: dict[str, Any]) -> list[str]:
    recalls = ("named", "scripts", "described", "described, told", "described, not told")
    worst = "TOFU, worst set"
    alarms = ("neighbours", "foreign neighbours", "somebody else", "background", worst)
    asked_judge = ("described", "neighbours", "foreign neighbours")
    lines = [
        "## few",
        "",
        f"{next(iter(few.values()))['targets']} real-world targets of four kinds in one policy, each with its first examples; no",
        "prompt in the operator's background. *Told* are descriptions of which the target's own texts say at least half.",
        "*Judged*: prompts that would be left to a judge if there were one; they count as not found.",
        "",
    ]
    rows = []
    for number, one in few.items():
        found = one["recall"], {**one["false_alarms"], worst: max(_tofu_shares(one["false_alarms"]), default=None)}
        judged = [one["judged"].get(name) for name in asked_judge]
        shares = [*(found[0].get(name) for name in recalls), *(found[1].get(name) for name in alarms), *judged]
        rows.append([number, *map(_percent, shares)])
    head = ["examples", *recalls, *(f"false: {name}" for name in alarms), *(f"judged: {name}" for name in asked_judge)]
    lines += [*_rows(head, rows), "", "Goals: named and scripts 99.5; described 85 with 3 examples, 92 with 5; false alarms 0.5."]
    rows = [[kind, number, *map(_percent, _of_kind(one, kind))] for kind in KINDS for number, one in few.items()]
    lines += ["", *_rows(["kind", "examples", "named", "scripts", "described", "false: neighbours", "false: foreign"], rows)]
    scripts = [name for name in next(iter(few.values()))["recall"] if name.startswith("scripts ") and name[8:] not in KINDS]
    rows = [[number, *(_percent(one["recall"][name]) for name in scripts)] for number, one in few.items()]
    lines += ["", *_rows(["examples", *(name[8:] for name in scripts)], rows)]
    rows = [[number, *(_percent(one["false_alarms"].get(_FOREIGN + name)) for name in _TONGUES)] for number, one in few.items()]
    return [*lines, "", *_rows(["examples", *(f"false: foreign {name}" for name in _TONGUES)], rows)]


def _of_kind(one: dict[str, Any], kind: str) -> list[float | None]:
    recall = [one["recall"].get(f"{name} {kind}") for name in ("named", "scripts", "described")]
    return [*recall, *(one["false_alarms"].get(f"{name} {kind}") for name in ("neighbours", "foreign neighbours"))]


def _tofu_shares(false_alarms: dict[str, float]) -> list[float]:
    return [share for name, share in false_alarms.items() if name.startswith("TOFU ")]


def _tofu_table(sets: dict[str, Any]) -> list[str]:
    lines = [
        "## TOFU",
        "",
        "TOFU's forget sets as targets (20 questions each), every second question about the kept authors in the operator's",
        "background, the others asked, with their paraphrases. Goals: paraphrases 99.5, false alarms 0.5.",
    ]
    for name, found in sets.items():
        recalls = list(found["guard-server"]["recall"])
        innocents = [kind for kind in found["guard-server"]["false_alarms"] if kind != "background"]
        rows = [
            [who, *(_percent(one["recall"][kind]) for kind in recalls), *(_percent(one["false_alarms"][k]) for k in innocents)]
            for who, one in found.items()
        ]
        lines += ["", f"### {name}", "", *_rows(["", *recalls, *(f"false: {kind}" for kind in innocents)], rows)]
        own = found["guard-server"]["false_alarms"]["background"]
        lines += ["", f"False alarms on the shipped background, each half against the other: {_percent(own)}."]
    return lines


def _without_table(shares: dict[str, float]) -> list[str]:
    found = ", ".join(f"{name} {_percent(share)}" for name, share in shares.items())
    return [f"False alarms of forget10 where the operator lists no innocent prompt: {found}."]


def _attack_table(attacks: dict[str, float]) -> list[str]:
    named = ((f"{way} (no goal: may fit many people)" if way in LIMITS else way, share) for way, share in attacks.items())
    rows = [[way, _percent(share)] for way, share in named]
    return ["## Ways of asking (forget10; goal 98)", "", *_rows(["way", "found"], rows)]


def _split_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [name, *(_percent(one[key]) for key in ("promised", "observed", "said", "unnamed")), f"{one['within']}/{one['compared']}"]
        for name, one in found.items()
    ]
    return [
        "## What the server said, and what was missed",
        "",
        "Each split calibrates with other examples (three of a target of few, ten of an author of TOFU) and asks questions that",
        "the server has not seen: descriptions, and TOFU's paraphrases of the examples. *Said* is the share of the questions",
        "without the name that the server expects to miss where it cannot promise anything.",
        "",
        *_rows(["", "promised", "missed", "said", "missed without the name", "splits within"], rows),
    ]


def _halves_table(promised: dict[str, Any]) -> list[str]:
    rows = []
    for key, one in promised.items():
        above = sum(missed > float(key.rsplit(" ", 1)[1]) for missed in one["missed"])
        limit = f"{statistics.fmean(one['limits']):.3f}"
        rows.append([key, _percent(one["mean"]), _percent(one["max"]), str(above), limit])
    return [
        "## The promised miss rate",
        "",
        "One half of the paraphrased questions sets the limit, without a cap, and the other half is asked; 20 random halves.",
        "",
        *_rows(["", "mean missed", "most missed", "halves above the promise", "limit in use (mean)"], rows),
    ]


def _growth_table(grown: list[dict[str, Any]]) -> list[str]:
    rows = []
    for one in grown:
        shares = _percent(one["recall"]), _percent(max(one["false_alarms"].values()))
        costs = f"{one['latency_ms']:.1f}", f"{one['build_s']:.1f}", f"{one['memory_mb']:.0f}"
        rows.append([f"{one['targets']:,}", *shares, *costs])
    head = ["targets", "found", "worst false alarms", "ms per prompt", "s to build", "MB resident"]
    return ["## Growth, with 20 examples each", "", *_rows(head, rows)]


def _one_example_table(one: dict[str, Any]) -> list[str]:
    seconds = f"{one['encode_s']:.1f} s to encode, {one['build_s']:.1f} s to build, {one['calibrate_s']:.1f} s to calibrate"
    alarms = ", ".join(f"{name} {_percent(share)}" for name, share in one["false_alarms"].items())
    return [
        f"{one['targets']:,} invented people with one example each: {seconds}, {one['memory_mb']:.0f} MB.",
        f"Found by name: {_percent(one['recall'])}. False alarms: {alarms}.",
    ]


def _extraction_table(found: dict[str, Any]) -> list[str]:
    return ["## Phrases from examples (forget10)", "", "```", *(f"{key}: {value}" for key, value in found.items()), "```"]


def _latency_table(found: dict[str, Any]) -> list[str]:
    rows = [
        [tokens, f"{one['median']:.1f}", f"{one['p95']:.1f}", str(GOALS["latency_ms"][tokens])]
        for tokens, one in found.items()
        if isinstance(one, dict)
    ]
    lines = ["## Latency", "", f"Reading and classifying a new prompt beside {found['examples']:,} examples, one client."]
    return [*lines, "", *_rows(["tokens", "median, ms", "95%, ms", "goal, ms"], rows)]
