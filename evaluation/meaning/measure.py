"""The measurement, on words: what the words near anchors ban in paraphrases of facts, and in innocent texts.

It generates nothing. Targets of know-how and paraphrases of their facts are in `knowhow.yaml`, written by hand; persons are
TOFU's authors, whose facts it paraphrases itself. Innocent are TOFU's answers about other authors, paragraphs of six novels, and
answers to questions near the know-how.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tqdm import tqdm

from classifiers import ForgetTarget
from classifiers.meaning.neighbours import Neighbours, phrases_near
from classifiers.semantic import Near, SemanticSpec, exempt, folded_words
from evaluation.data import BOOKS, tofu
from guard.form import Form

KNOWHOW = Path(__file__).parent / "knowhow.yaml"
DELTAS = (0.55, 0.6, 0.62, 0.65, 0.7, 0.8)
_PARAGRAPH = 60
_QUESTIONS = 20  # of each author of TOFU

Words = frozenset[str]


@dataclass(frozen=True)
class Subject:
    """A target, its facts in other words, and answers near it that must stay possible; each text as its words."""

    target: ForgetTarget
    paraphrases: Sequence[Words]
    near: Sequence[Words]


def compared(text: str, without: Words = frozenset()) -> Words:
    """Return the words of a text that may be banned for their meaning."""
    return frozenset(word for word in folded_words(text) if not exempt(word)) - without


def know_how() -> list[Subject]:
    """Return the targets of know-how."""
    found = []
    for record in yaml.safe_load(KNOWHOW.read_text("utf-8"))["targets"]:
        examples = [{"prompt": fact["prompt"], "completion": fact["completion"]} for fact in record["facts"]]
        target = ForgetTarget.model_validate({"id": record["id"], "name": record["name"], "examples": examples})
        paraphrases = [compared(fact["paraphrase"]) for fact in record["facts"]]
        found.append(Subject(target, paraphrases, [compared(text) for text in record["near"]]))
    return found


def persons(most: int | None = None) -> list[Subject]:
    """Return TOFU's authors, with the anchors that their facts would give them if they were know-how.

    Raises:
        FileNotFoundError: TOFU is missing.
    """
    records = tofu("forget10_perturbed")
    found = []
    for at in range(0, len(records), _QUESTIONS)[:most]:
        facts = records[at : at + _QUESTIONS]
        examples = [{"prompt": fact["question"], "completion": fact["answer"]} for fact in facts]
        target = ForgetTarget.model_validate({"id": f"author-{at}", "name": "An Author", "examples": examples})
        spec = SemanticSpec(words=target.proposed_anchors())
        said = [compared(fact["paraphrased_answer"], compared(fact["question"])) for fact in facts]
        found.append(Subject(target.model_copy(update={"semantic": spec}), said, []))
    return found


def innocent(small: bool = False) -> dict[str, list[Words]]:
    """Return innocent texts by their set: every fourth answer of TOFU's retain set, and every tenth paragraph of the novels.

    Raises:
        FileNotFoundError: TOFU or the novels are missing.
    """
    most = 40 if small else None
    novels = []
    for path in sorted(BOOKS.glob("*.txt")):
        words = folded_words(path.read_text("utf-8"))
        novels += [frozenset(words[at : at + _PARAGRAPH]) for at in range(0, len(words), 10 * _PARAGRAPH)]
    return {
        "retain": [frozenset(folded_words(record["answer"])) for record in tofu("retain90")[::4]][:most],
        "novels": novels[:most],
    }


def banned(words: Sequence[Near], spec: SemanticSpec | None) -> Words:
    """Return the words that are banned with the thresholds of `spec`; those of the anchors alone without."""
    kept = [near for near in words if near.word == near.anchor or (spec and spec.penalty(near.cosine) == math.inf)]
    found = set()
    for phrase in phrases_near(kept):
        found.add(phrase.folded)
        if isinstance(phrase, Form) and phrase.ending:
            found.add(phrase.folded + "s")
    return frozenset(found)


def measure(subjects: Sequence[Subject], texts: Mapping[str, Sequence[Words]], neighbours: Neighbours) -> dict[str, Any]:
    """Return the shares by setting: `anchors` for the anchors alone, and each delta.

    `words` is the share of a paraphrase's words that are banned, `paraphrases` that of paraphrases with a banned word, and
    `near`, `retain` and `novels` that of innocent texts with one. `banned` is how many words a target bans.
    """
    near = {}
    for subject in tqdm(subjects, desc="targets", unit="target"):
        spec = subject.target.anchors()
        assert spec is not None
        loose = subject.target.model_copy(
            update={"semantic": spec.model_copy(update={"delta": 0.99, "floor": min(DELTAS) - 0.01})}
        )
        near[subject.target.id] = neighbours.of([loose])[loose.id]
    return {name: _shares(subjects, texts, near, spec) for name, spec in _settings()}


def _settings() -> Iterator[tuple[str, SemanticSpec | None]]:
    yield "anchors", None
    yield from ((f"delta {delta}", SemanticSpec(delta=delta, floor=0.5)) for delta in DELTAS)


def _shares(
    subjects: Sequence[Subject],
    texts: Mapping[str, Sequence[Words]],
    near: Mapping[str, Sequence[Near]],
    spec: SemanticSpec | None,
) -> dict[str, float]:
    bans = {subject.target.id: banned(near[subject.target.id], spec) for subject in subjects}
    guilty = [(said, bans[subject.target.id]) for subject in subjects for said in subject.paraphrases]
    close = [(said, bans[subject.target.id]) for subject in subjects for said in subject.near]
    shares = {
        "banned": sum(map(len, bans.values())) / len(bans),
        "words": sum(len(said & ban) for said, ban in guilty) / max(1, sum(len(said) for said, _ in guilty)),
        "paraphrases": _share(guilty),
    }
    if close:
        shares["near"] = _share(close)
    return shares | {name: _share([(said, ban) for said in held for ban in bans.values()]) for name, held in texts.items()}


def _share(pairs: Sequence[tuple[Words, Words]]) -> float:
    return sum(not said.isdisjoint(ban) for said, ban in pairs) / max(1, len(pairs))


def table(found: Mapping[str, Mapping[str, float]]) -> str:
    """Return the shares as a table in plain text."""
    columns = list(next(iter(found.values())))
    lines = [f"{'':12}" + "".join(f"{column:>13}" for column in columns)]
    for name, shares in found.items():
        cells = [f"{shares[column]:>13.0f}" if column == "banned" else f"{shares[column]:>13.3f}" for column in columns]
        lines.append(f"{name:12}" + "".join(cells))
    return "\n".join(lines)
