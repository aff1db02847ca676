"""Extraction: how many facts the phrases of `classifiers.proposals.extract` cover, and how many innocent answers they hit.

TOFU (Maini et al. 2024, arXiv 2401.06121) has 200 invented authors with 20 questions each. The other wording of an answer and the
wrong answers show which words carry the fact; the extractor sees neither.

There are two sets of authors, so that the report does not use the authors on which the cuts were chosen. `report`: the 20 authors
of forget10 are targets; of the 180 authors of retain90 every second one is background, and the answers of the others are checked
for false alarms. `tune`: the two authors of forget01 and five authors of that background are targets, and the rest of it is
divided again. Since forget01 is part of forget10, the report also gives the coverage without it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from classifiers import Example, ForgetTarget
from classifiers.proposals.extract import Candidate, Cuts, extract
from classifiers.proposals.frequency import BackgroundFrequency
from evaluation.data import TOFU, tofu
from evaluation.detection.data import QUESTIONS_PER_AUTHOR, names_of_authors
from evaluation.pairs import QAPair
from guard.folding import fold
from guard.matching.finder import Finder
from guard.phrase import Phrase
from guard.stopwords import COMMON_WORDS

Split = Literal["report", "tune"]
Row = Mapping[str, Any]
_TUNED = (2, 6, 10, 14, 18)


@dataclass(frozen=True)
class Coverage:
    """The shares of facts and key words that phrases cover, in the answer that the extractor saw and in its other wording.

    A fact consists of the key words of one question (`key_words`). It is covered if an occurrence of a phrase contains one of
    them.
    """

    questions: int
    facts: int
    facts_in_answer: float
    facts_in_paraphrase: float
    words: int
    words_in_answer: float
    words_in_paraphrase: float


@dataclass(frozen=True)
class Hits:
    """The number of innocent answers, how many contain a phrase of the scope `always`, and the reasons for those phrases."""

    answers: int
    hit: int
    share: float
    reasons: dict[str, int]


def key_words(row: Row) -> frozenset[str]:
    """Return the words that make an answer true, independently of any extractor.

    These are the folded words that the answer and its other wording share, that are not function words, and that occur in neither
    wording of the question and in none of the wrong answers.
    """
    asked = _words(row["question"]) | _words(row["paraphrased_question"])
    wrong = frozenset[str]().union(*(_words(answer) for answer in row["perturbed_answer"]))
    shared = _words(row["answer"]) & _words(row["paraphrased_answer"])
    return frozenset(word for word in shared - asked - wrong - COMMON_WORDS if len(word) > 1)


def target_of(index: int, rows: Sequence[Row]) -> ForgetTarget:
    """Return the twenty rows of an author as a forget target with a name and examples, but without phrases."""
    examples = [Example(prompt=row["question"], completion=row["answer"]) for row in rows]
    name = names_of_authors([QAPair(row["question"], row["answer"]) for row in rows])[0]
    return ForgetTarget(id=f"author-{index}", name=name, examples=examples)


def coverage(rows: Sequence[Row], phrases: Sequence[Phrase]) -> Coverage:
    """Return the coverage of the rows of one target by its phrases."""
    finder = Finder(phrases)
    facts = words = 0
    facts_in, words_in = Counter[str](), Counter[str]()
    for row in rows:
        keys = key_words(row)
        facts += bool(keys)
        words += len(keys)
        for text in ("answer", "paraphrased_answer"):
            inside = keys & _words_inside(finder, phrases, row[text])
            facts_in[text] += bool(inside)
            words_in[text] += len(inside)
    answer, other = "answer", "paraphrased_answer"
    return Coverage(
        len(rows),
        facts,
        facts_in[answer] / max(facts, 1),
        facts_in[other] / max(facts, 1),
        words,
        words_in[answer] / max(words, 1),
        words_in[other] / max(words, 1),
    )


def hits(candidates: Sequence[Candidate], answers: Sequence[str]) -> Hits:
    """Return how many answers contain a phrase of the scope `always` of any target."""
    always = [candidate for candidate in candidates if candidate.phrase.scope == "always"]
    if not always:
        return Hits(len(answers), 0, 0.0, {})
    finder = Finder([candidate.phrase for candidate in always])
    found = [{index for index, _ in finder.find(answer)} for answer in answers]
    reasons = Counter[str](always[index].reason for indices in found for index in indices)
    hit = sum(bool(indices) for indices in found)
    return Hits(len(answers), hit, hit / max(len(answers), 1), dict(reasons))


def measure(tofu_folder: Path, split: Split = "report", cuts: Cuts | None = None) -> dict[str, Any]:
    """Extract phrases for the targets of a split and measure them.

    Returns:
        Numbers, strings and mappings of them, by name.

    Raises:
        FileNotFoundError: A file of TOFU is missing.
    """
    cuts = cuts or Cuts()
    targets, background, innocent = _split(tofu_folder, split)
    started = time.perf_counter()
    frequency = BackgroundFrequency(background)
    built_s = time.perf_counter() - started
    made = [target_of(index, rows) for index, rows in enumerate(targets)]
    extract(made[0], frequency, cuts=cuts)  # Loads the word list, so that the time below does not include it.
    started = time.perf_counter()
    found = [extract(target, frequency, cuts=cuts) for target in made]
    extracted_s = time.perf_counter() - started
    everything = [candidate for candidates in found for candidate in candidates]
    gated = [[c.phrase for c in candidates if c.phrase.scope == "gated"] for candidates in found]
    counted = {
        f"{scope} {reason}": sum(c.phrase.scope == scope and c.reason == reason for c in everything) / len(made)
        for scope, reason in sorted({(c.phrase.scope, c.reason) for c in everything})
    }
    return {
        "split": split,
        "targets": len(made),
        "pairs": sum(map(len, targets)),
        "background": len(background),
        "cuts": asdict(cuts),
        "phrases_per_target": counted,
        "coverage": _coverages(targets, made, found),
        "always_hits": {name: asdict(hits(everything, answers)) for name, answers in innocent.items()},
        # The share of other answers that would change if gated phrases applied to every answer.
        "gated_hits": {name: statistics.fmean(_share_hit(p, answers) for p in gated) for name, answers in innocent.items()},
        "seconds_per_1000_pairs": 1000 * extracted_s / sum(map(len, targets)),
        "background_s": built_s,
    }


def _coverages(
    targets: Sequence[Sequence[Row]], made: Sequence[ForgetTarget], found: Sequence[Sequence[Candidate]]
) -> dict[str, dict[str, float]]:
    """Return the coverage by the phrases of each scope and of both, including the phrases of the names."""
    result = {}
    sets = {"all": range(len(targets)), "without forget01": range(len(targets) - 2)}
    for label, indices in sets.items():
        for scope in ("both", "always", "gated"):
            parts = []
            for index in indices:
                phrases = [*made[index].own_phrases(), *(candidate.phrase for candidate in found[index])]
                chosen = [phrase for phrase in phrases if scope in ("both", phrase.scope)]
                parts.append(coverage(targets[index], chosen))
            result[f"{label}, {scope}"] = asdict(_sum(parts))
    return result


def _sum(parts: Sequence[Coverage]) -> Coverage:
    facts, words = sum(part.facts for part in parts), sum(part.words for part in parts)
    return Coverage(
        sum(part.questions for part in parts),
        facts,
        sum(part.facts * part.facts_in_answer for part in parts) / max(facts, 1),
        sum(part.facts * part.facts_in_paraphrase for part in parts) / max(facts, 1),
        words,
        sum(part.words * part.words_in_answer for part in parts) / max(words, 1),
        sum(part.words * part.words_in_paraphrase for part in parts) / max(words, 1),
    )


def _split(folder: Path, split: Split) -> tuple[list[list[Row]], list[str], dict[str, list[str]]]:
    """Return the rows of each target, the texts of the background, and the innocent answers by set."""
    authors = _authors(tofu("retain90", folder))
    perturbed = {row["question"]: row for row in tofu("retain_perturbed", folder)}
    forget = _authors(tofu("forget10_perturbed", folder))
    if split == "tune":
        tuned = [[perturbed[row["question"]] for row in authors[i] if row["question"] in perturbed] for i in _TUNED]
        innocent = [authors[i] for i in range(2, len(authors), 4) if i not in _TUNED]
        return [*tuned, *forget[-2:]], _answers(authors[::4]), {"retain": _answers(innocent)}
    others = authors[1::2]
    questions = {row["question"] for author in others for row in author}
    return (
        forget,
        _answers(authors[::2]),
        {
            "retain": _answers(others),
            "retain_paraphrased": [row["paraphrased_answer"] for q, row in perturbed.items() if q in questions],
            "real_authors": [row["answer"] for row in tofu("real_authors", folder)],
            "world_facts": [row["answer"] for row in tofu("world_facts", folder)],
        },
    )


def _authors(rows: Sequence[Row]) -> list[list[Row]]:
    return [list(rows[at : at + QUESTIONS_PER_AUTHOR]) for at in range(0, len(rows), QUESTIONS_PER_AUTHOR)]


def _answers(authors: Iterable[Iterable[Row]]) -> list[str]:
    return [row["answer"] for author in authors for row in author]


def _words(text: str) -> frozenset[str]:
    return frozenset(fold(text).split())


def _words_inside(finder: Finder, phrases: Sequence[Phrase], text: str) -> set[str]:
    """Return the folded words of the phrases that occur in the text."""
    return {word for index, _ in finder.find(text) for word in phrases[index].folded.split()}


def _share_hit(phrases: Sequence[Phrase], answers: Sequence[str]) -> float:
    finder = Finder(phrases)
    return sum(bool(finder.find(answer)) for answer in answers) / max(len(answers), 1) if phrases else 0.0


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=TOFU, help="the folder of the TOFU files")
    parser.add_argument("--split", choices=("report", "tune"), default="report")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.folder, arguments.split), indent=2))


if __name__ == "__main__":
    main()
