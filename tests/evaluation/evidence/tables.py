"""A table of figures, as the measurements give it."""

from __future__ import annotations

from evaluation.evidence.summary import Table, summary

TOLD = {"utility": 0.6, "leak": 0.9, "near leak": 0.9, "rouge_l forget": 0.9, "unchanged kept": 1.0, "flagged kept": 0.0}
UNSEEN = {"utility": 0.6, "leak": 0.05, "near leak": 0.06, "rouge_l forget": 0.4, "unchanged kept": 0.5, "flagged kept": 0.0}
OURS = {**UNSEEN, "leak": 0.0, "unchanged kept": 0.99, "flagged kept": 0.01, "forget quality": 0.2}


def table() -> Table:
    """Return figures of two seeds that differ in one."""
    systems = {"none": TOLD, "retain": UNSEEN, "prompt": {**TOLD, "utility": 0.5}, "abstain": OURS, "rephrase": OURS}
    probes = {
        f"one by one/{step}": {"none": {"leak": 0.9}, "abstain": {"leak": 0.0, "unchanged kept": kept, "flagged kept": 0.0}}
        for step, kept in ((1, 1.0), (20, 0.98))
    }
    first = {"forget10": systems, **probes}
    second = {**first, "forget10": {**systems, "abstain": {**OURS, "leak": 0.02}}}
    return summary([first, second])
