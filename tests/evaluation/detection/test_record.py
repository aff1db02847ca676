from __future__ import annotations

import json
from typing import Any

from evaluation.detection.record import keys, table

FOUND = {"recall": {"original": 1.0, "paraphrased": 0.9975}, "false_alarms": {"retain": 0.0025, "background": 0.01}}
RIVAL = {"recall": {"original": 0.5, "paraphrased": 0.25}, "false_alarms": {"retain": 0.125}}
FEW = {
    "targets": 48,
    "recall": {
        "named": 0.75,
        "scripts": 0.5,
        "scripts greek": 0.125,
        "scripts persons": 0.5,
        "described": 0.875,
        "described, told": 0.9375,
        "named persons": 0.25,
        "described persons": 0.0625,
    },
    "false_alarms": {
        "neighbours": 0.01,
        "neighbours persons": 0.02,
        "foreign neighbours": 0.015,
        "foreign neighbours persons": 0.025,
        "foreign neighbours german": 0.035,
        "foreign neighbours kana": 0.045,
        "somebody else": 0.03,
        "background": 0.04,
        "TOFU retain": 0.05,
        "TOFU real_authors": 0.06,
    },
    "judged": {"described": 0.07, "neighbours": 0.08, "foreign neighbours": 0.09},
    "asked": {"named": 600},
    "skipped": 2,
    "wrong": [],
}
SPLITS = [
    {"promised": None, "said": 0.25, "observed": 0.125, "unnamed": 0.5, "within": False},
    {"promised": 0.01, "said": 0.25, "observed": 0.0, "unnamed": None, "within": True},
]
RESULTS: dict[str, Any] = {
    "few": {"1": FEW, "3": {**FEW, "recall": {**FEW["recall"], "named": 1.0}}},  # type: ignore[dict-item]
    "side_by_side": {"forget10": {"guard-server": FOUND, "rival": RIVAL}},
    "without_operator": {"retain": 0.0625},
    "attacks": {"plain": 0.9975, "reverse_blank": 0.125},
    "splits": {
        "few, described": {
            "promised": None,
            "said": 0.25,
            "observed": 0.0625,
            "unnamed": 0.5,
            "within": 1,
            "compared": 2,
            "splits": SPLITS,
        }
    },
    "promised": {
        "with names, alpha 0.01": {"mean": 0.005, "max": 0.02, "missed": [0.0, 0.02, 0.0], "limits": [0.0, -0.5, -0.25]},
    },
    "growth": [
        {"targets": 1, "recall": 1.0, "false_alarms": {"retain": 0.0}, "latency_ms": 1.25, "build_s": 0.5, "memory_mb": 900.0},
        {"targets": 1000, "recall": 0.5, "false_alarms": {"retain": 0.25}, "latency_ms": 2.5, "build_s": 1.5, "memory_mb": 950.0},
    ],
    "one_example": {
        "targets": 10_000,
        "recall": 0.5,
        "false_alarms": {"retain": 0.015625},
        "memory_mb": 64.0,
        "encode_s": 10.0,
        "build_s": 2.5,
        "calibrate_s": 30.0,
    },
    "extraction": {"split": "report"},
    "latency": {"targets": 10, "examples": 200_000, "32": {"median": 3.5, "p95": 4.5}, "512": {"median": 33.0, "p95": 44.0}},
    "measured": {"few": "2026-01-02T03:04:05+00:00"},
}


def test_keys_are_flat_and_tell_the_set() -> None:
    found = keys(RESULTS)
    recall = {"TOFU original": 1.0, "TOFU paraphrased": 0.9975, "attack plain": 0.9975, "attack reverse_blank": 0.125}
    recall |= {"few named 1": 0.75, "few named 3": 1.0, "few described 3": 0.875, "few scripts greek 1": 0.125}
    assert recall.items() <= found["recall"].items()
    alarms = {"TOFU retain": 0.0025, "TOFU background": 0.01, "TOFU retain, no operator's background": 0.0625}
    alarms |= {"few neighbours 3": 0.01, "few TOFU retain 1": 0.05, "one example retain": 0.015625}
    assert alarms.items() <= found["false_alarms"].items()
    assert found["latency_ms"] == {"32": 3.5, "512": 33.0}
    assert json.loads(json.dumps(found))["results"] == RESULTS
    assert all(isinstance(share, float) for kind in ("recall", "false_alarms") for share in found[kind].values())


def test_what_was_not_measured_has_no_keys_and_no_table() -> None:
    found = keys({"few": {"3": FEW}, "measured": {}})
    assert all(key.startswith("few ") and key.endswith(" 3") for kind in ("recall", "false_alarms") for key in found[kind])
    assert found["latency_ms"] == {}
    assert [line for line in table({"few": {"3": FEW}}, "x").splitlines() if line.startswith("##")] == ["## few"]


def test_the_table_gives_percent() -> None:
    lines = table(RESULTS, "2026-01-02").splitlines()
    assert lines[0] == "# Detection benchmark, 2026-01-02"
    assert "|  | original | paraphrased | false: retain |" in lines
    assert "| guard-server | 100.00 | 99.75 | 0.25 |" in lines
    assert "| rival | 50.00 | 25.00 | 12.50 |" in lines
    assert "| plain | 99.75 |" in lines
    assert any(line.startswith("| reverse_blank (no goal") and line.endswith("| 12.50 |") for line in lines)
    # One of three halves missed more than one in a hundred.
    assert "| with names, alpha 0.01 | 0.50 | 2.00 | 1 | -0.250 |" in lines
    assert "| 1,000 | 50.00 | 25.00 | 2.5 | 1.5 | 950 |" in lines
    assert any("background" in line and "1.00" in line for line in lines)
    assert "![detection](2026-01-02.png)" in lines
    # Nothing is known of descriptions that are not told.
    assert "| 3 | 100.00 | 50.00 | 87.50 | 93.75 |  | 1.00 | 1.50 | 3.00 | 4.00 | 6.00 | 7.00 | 8.00 | 9.00 |" in lines
    assert "| persons | 1 | 25.00 | 50.00 | 6.25 | 2.00 | 2.50 |" in lines
    at = lines.index("| examples | greek |")
    assert lines[at + 2 : at + 4] == ["| 1 | 12.50 |", "| 3 | 12.50 |"]
    at = next(number for number, line in enumerate(lines) if line.startswith("| examples | false: foreign german |"))
    assert lines[at + 2] == "| 1 | 3.50 |  |  |  |  |  |  | 4.50 |  |"
    assert "| few, described |  | 6.25 | 25.00 | 50.00 | 1/2 |" in lines
    assert any("no innocent prompt: retain 6.25." in line for line in lines)
    assert any("2.5 s to build" in line and "64 MB" in line for line in lines)
    assert "| 512 | 33.0 | 44.0 | 60 |" in lines
    assert any("200,000 examples" in line for line in lines)
    assert "## Growth" not in table({**RESULTS, "growth": []}, "x")
