"""The measurement: which innocent answers hold a form of a name, by kind of form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from evaluation.data import BOOKS, tofu
from guard.folding import StreamFolder
from guard.form import FORM_KINDS, Form
from guard.forms import forms_of
from guard.forms.judgement import made_of_ordinary_words
from guard.matching import gapkernels
from guard.matching.gaps import GapAutomaton
from guard.phrase import Phrase
from guard.reference import occurrences
from guard.restriction import Restriction

PARAGRAPH = 60
"""The words of a novel that count as one answer."""
GOAL = 0.001
"""The most innocent answers that the forms of one kind of an always-on phrase may hit."""


@dataclass(frozen=True)
class Finder:
    """Says whether a text holds one of some phrases, as the guard would find it."""

    restriction: Restriction

    @classmethod
    def of(cls, phrases: Sequence[Phrase]) -> Finder:
        """Compile `phrases`."""
        return cls(Restriction.compile(phrases))

    def finds(self, folded: bytes) -> bool:
        """Return whether folded text says a phrase word for word, or with one more word where a form allows it."""
        text = np.frombuffer(folded, np.uint8)
        a = self.restriction.automaton
        return a.completes(a.start, text) > 0 or (self.restriction.gaps is not None and _finds(self.restriction.gaps, text))


def _finds(gaps: GapAutomaton, text: np.ndarray[Any, np.dtype[np.uint8]]) -> bool:
    nodes, kinds = np.zeros(gapkernels.THREADS, np.int32), np.zeros(gapkernels.THREADS, np.uint8)
    count = gapkernels.begin(gaps.first_child, gaps.label, nodes, kinds)
    return bool(gapkernels.completes(gaps.first_child, gaps.label, *gaps.ends, nodes, kinds, count, 0, 1, text) > 0)


def innocent(small: bool = False) -> Iterator[tuple[str, str]]:
    """Yield innocent answers with the set that they are of; a few of each if `small`.

    Raises:
        FileNotFoundError: TOFU or the novels are missing.
    """
    most = 40 if small else None
    for name in ("retain90", "world_facts", "real_authors"):
        for record in tofu(name)[:most]:
            yield name, record["answer"]
    for path in sorted(BOOKS.glob("*.txt")):
        words = path.read_text(encoding="utf-8").split()
        for at in range(0, len(words), PARAGRAPH) if most is None else range(0, most * PARAGRAPH, PARAGRAPH):
            yield "novels", " ".join(words[at : at + PARAGRAPH])


def forms(names: Sequence[str]) -> dict[str, list[Form]]:
    """Return the forms of names as a target would have them, by scope and kind: "always order", "gated word"."""
    made: dict[str, list[Form]] = {}
    for name in names:
        phrase = Phrase(name, "gated" if made_of_ordinary_words(name) or " " not in name else "always", force=True)
        for form in forms_of(phrase, name=True):
            made.setdefault(f"{form.scope} {form.kind}", []).append(form)
    return made


def measure(names: Sequence[str], answers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return how many innocent answers the forms of each kind hit that hold none of the names themselves.

    Args:
        names: The names of the targets.
        answers: Texts, each with the set that it is of.
    """
    plain = Finder.of([Phrase(name, "gated", force=True) for name in names])
    made = forms(names)
    finders = {key: Finder.of(held) for key, held in made.items()}
    hits: dict[str, dict[str, int]] = {key: {} for key in made}
    examples: dict[str, list[str]] = {key: [] for key in made}
    asked: dict[str, int] = {}
    for source, answer in tqdm(answers, desc="innocent answers", unit="answer"):
        folded = StreamFolder(" ").feed(answer.encode())
        if plain.finds(folded):
            continue
        asked[source] = asked.get(source, 0) + 1
        for key, finder in finders.items():
            if finder.finds(folded):
                hits[key][source] = hits[key].get(source, 0) + 1
                if len(examples[key]) < 10:
                    examples[key] += _said(made[key], folded)
    total = sum(asked.values())
    order = sorted(made, key=lambda key: (key.split()[0], FORM_KINDS.index(key.split()[1])))  # type: ignore[arg-type]
    return {
        "names": len(names),
        "answers": asked,
        "goal_always": GOAL,
        "kinds": {
            key: {
                "forms": len(made[key]),
                "share": sum(hits[key].values()) / max(total, 1),
                "hits": hits[key],
                "examples": examples[key],
            }
            for key in order
        },
    }


def _said(held: Sequence[Form], folded: bytes) -> list[str]:
    text = " " + folded.decode()
    return [form.text for form in held if occurrences(form, text)]


def table(results: Mapping[str, Any]) -> str:
    """Return the figures as a table in plain text."""
    lines = [f"{'forms':18}{'number':>8}{'answers hit':>13}{'share':>9}  by set; such as"]
    for key, found in results["kinds"].items():
        where = ", ".join(f"{source} {count}" for source, count in found["hits"].items())
        such = ", ".join(dict.fromkeys(found["examples"][:4]))
        hit = sum(found["hits"].values())
        lines.append(f"{key:18}{found['forms']:>8}{hit:>13}{found['share']:>9.3%}  {where}{'; ' + such if such else ''}")
    lines.append(f"of {sum(results['answers'].values())} answers without any of the {results['names']} names")
    return "\n".join(lines)
