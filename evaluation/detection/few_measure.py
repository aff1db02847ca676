"""What detection makes of the set few, as served: all targets in one policy, with one, two, three and five examples each."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from classifiers import Classifier, Encoder, ForgetTarget
from classifiers.meaning.background import Background
from classifiers.multilingual.classifier import Multilingual
from evaluation.detection.few import Subject, names_somebody, told
from evaluation.detection.measure import Effort, classified, on_shipped
from evaluation.detection.served import JUDGE_DOUBT, Served
from evaluation.detection.sets import Asked, Innocent, question

_LISTED = 400
"""The most prompts that went wrong that the results quote for one number of examples."""


@dataclass(frozen=True)
class Prompt:
    """A prompt, whom it is about (None: innocent), near whom it was written, and the sets in whose figures it counts."""

    asked: Asked
    near: str
    sets: tuple[str, ...]


@dataclass
class _Share:
    """Counts of one set: prompts asked, flagged by a certain match, and left to a judge: those with an uncertain match only."""

    asked: int = 0
    flagged: int = 0
    judged: int = 0

    def add(self, flagged: bool, judged: bool) -> None:
        self.asked += 1
        self.flagged += flagged
        self.judged += judged and not flagged


def about(subjects: Mapping[str, Sequence[Subject]], every: int = 1) -> list[Prompt]:
    """Return the prompts about the targets, of each list every `every`-th: named, in other scripts, described.

    Args:
        subjects: The targets by kind.
        every: Of the prompts of each target and set, the first and each of this number after it are asked.
    """
    found = []
    for kind, of_kind in subjects.items():
        for one in of_kind:
            lists: list[tuple[str, str, tuple[str, ...]]] = [("named", text, ()) for text in one.named[::every]]
            lists += [("scripts", text, (f"scripts {script}",)) for script, text in list(one.scripts.items())[::every]]
            lists += [("described", text, ()) for text in one.described[::every]]
            found += [Prompt(question(text, one.id), one.id, (name, f"{name} {kind}", *further)) for name, text, further in lists]
    return found


def neighbours(subjects: Mapping[str, Sequence[Subject]], every: int = 1) -> list[Prompt]:
    """Return the innocent prompts that are near the targets, as `about` does: first `neighbours`, then `foreign`.

    The neighbours with a proper name are in the set "somebody else" as well. The foreign ones are in sets of their own only:
    all, those of a kind of target, and those of a script or language.
    """
    near = [
        Prompt(
            question(text),
            one.id,
            ("neighbours", f"neighbours {kind}", *(("somebody else",) if names_somebody(text) else ())),
        )
        for kind, of_kind in subjects.items()
        for one in of_kind
        for text in one.neighbours[::every]
    ]
    foreign = [
        Prompt(
            question(text),
            one.id,
            ("foreign neighbours", f"foreign neighbours {kind}", f"foreign neighbours {script}"),
        )
        for kind, of_kind in subjects.items()
        for one in of_kind
        for script, text in list(one.foreign.items())[::every]
    ]
    return near + foreign


def figures(
    classifier: Classifier, prompts: Sequence[Prompt], targets: Sequence[ForgetTarget], subjects: Sequence[Subject]
) -> dict[str, Any]:
    """Return shares by set.

    A prompt about a target counts as found if a certain match is of that target. An innocent one counts as flagged if a certain
    match is of any target, but for those that it is clearly about although it was written as another's neighbour
    (`Subject.covers`).

    Returns:
        `share`, `judged` (the share that only a judge would flag) and `asked` (the number) by set, `skipped`, the number of
        matches that a prompt is rightly about, and `wrong`, prompts that went wrong, with the evidence of all matches that count
        or are in doubt.
    """
    of = {target.id: target for target in targets}
    counts: dict[str, _Share] = {}
    wrong: list[dict[str, Any]] = []
    skipped = 0
    for prompt, (asked, matches) in zip(prompts, classified(classifier, [one.asked for one in prompts]), strict=True):
        text = asked.text.text
        certain = {match.target_id for match in matches if match.certain}
        open_ = {match.target_id for match in matches if not match.certain}
        if asked.target is not None:
            certain, open_ = certain & {asked.target}, open_ & {asked.target}
        else:
            rightly = {one.id for one in subjects if one.id in certain and one.id != prompt.near and one.covers(text)}
            skipped += len(rightly)
            certain -= rightly
        if bool(certain) != (asked.target is not None) and len(wrong) < _LISTED:
            seen = certain | open_
            evidence = {match.target_id: match.evidence for match in matches if match.target_id in seen}
            wrong.append({"set": prompt.sets[0], "near": prompt.near, "text": text, "found": evidence})
        for name in (*prompt.sets, *_whether_told(prompt, of)):
            counts.setdefault(name, _Share()).add(bool(certain), bool(open_))
    return {
        "share": {name: one.flagged / one.asked for name, one in counts.items()},
        "judged": {name: one.judged / one.asked for name, one in counts.items()},
        "asked": {name: one.asked for name, one in counts.items()},
        "skipped": skipped,
        "wrong": wrong,
    }


def _whether_told(prompt: Prompt, targets: Mapping[str, ForgetTarget]) -> Iterator[str]:
    if prompt.sets[0] == "described":
        yield "described, told" if told(prompt.asked.text.text, targets[prompt.near]) else "described, not told"


def measure(
    subjects: Mapping[str, Sequence[Subject]],
    encoder: Encoder,
    innocent: Innocent,
    effort: Effort,
    multilingual: Multilingual | None = None,
) -> dict[str, Any]:
    """Return the figures by number of examples, as plain data. The operator lists no innocent prompts.

    `recall` and `false_alarms` are shares by set; `judged`, `asked`, `skipped` and `wrong` are those of `figures`.

    Args:
        subjects: The targets by kind.
        encoder: Best one that encodes no text twice (`served.Remembering`).
        innocent: TOFU's innocent prompts and the shipped background.
        effort: How much is asked.
        multilingual: What reads other languages; None for a server without it.
    """
    chosen = {kind: of_kind[: effort.subjects] for kind, of_kind in subjects.items()}
    everyone = [one for of_kind in chosen.values() for one in of_kind]
    every = 1 if effort.asked == 1 else 4
    served = Served(Background(innocent.shipped, encoder), encoder, doubt=JUDGE_DOUBT, multilingual=multilingual)
    asked, near = about(chosen, every), neighbours(chosen, every)
    near += [Prompt(one, "", (f"TOFU {name}",)) for name, texts in innocent.asked.items() for one in effort.some(texts)]
    found: dict[str, Any] = {}
    for number in tqdm(effort.numbers, desc=f"few: examples of {len(everyone)} targets", file=sys.stderr):
        targets = [one.target(number) for one in everyone]
        classifier = served.calibrated(targets)
        hits = figures(classifier, asked, targets, everyone)
        alarms = figures(classifier, near, targets, everyone)
        alarms["share"]["background"] = on_shipped(targets, innocent, encoder, served, effort, operator=False)
        found[str(number)] = {
            "targets": len(targets),
            "recall": hits["share"],
            "false_alarms": alarms["share"],
            "judged": {**hits["judged"], **alarms["judged"]},
            "asked": {**hits["asked"], **alarms["asked"]},
            "skipped": alarms["skipped"],
            "wrong": [*hits["wrong"], *alarms["wrong"]],
        }
    return found


def flat(found: Mapping[str, Any], kind: str) -> dict[str, float]:
    """Return `recall` or `false_alarms` of `measure` with keys such as "few described 3"."""
    return {f"few {name} {number}": share for number, one in found.items() for name, share in one[kind].items()}
