"""The texts for measuring detection: TOFU's questions about people who must be forgotten, and questions about all others."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers import Example, ForgetTarget, Screened, shipped_background
from evaluation.data import TOFU, tofu
from evaluation.detection.attacks import Attack, Message
from evaluation.detection.data import QUESTIONS_PER_AUTHOR, load_languages, load_paraphrases, names_of_authors
from evaluation.pairs import QAPair
from server.openai.chat import texts_of_chat
from server.screening.screener import screened

FORGET = ("forget01", "forget05", "forget10")
# Every second question about the kept authors is in the operator's background, and the others are asked.
BACKGROUND_STEP = 2


@dataclass(frozen=True)
class Asked:
    """A prompt as a classifier gets it, and the target that it is about; None for an innocent prompt."""

    text: Screened
    target: str | None


def ask(messages: Sequence[Message], target: str | None = None) -> Asked:
    """Return the text that the server would screen in a conversation."""
    return Asked(screened(texts_of_chat({"messages": list(messages)})), target)


def question(text: str, target: str | None = None) -> Asked:
    """Return the text that the server would screen in one question."""
    return ask([{"role": "user", "content": text}], target)


class Forget:
    """One of the forget sets: each of its (first `authors`) authors is a target with a name and twenty questions as examples."""

    def __init__(self, name: str, authors: int | None = None, folder: Path | None = None) -> None:
        self.name = name
        self.lines = tofu(f"{name}_perturbed", folder or TOFU)[: authors and authors * QUESTIONS_PER_AUTHOR]
        self.names = names_of_authors([QAPair(line["question"], line["answer"]) for line in self.lines])
        self.ids = [f"author-{at // QUESTIONS_PER_AUTHOR:03d}" for at in range(len(self.lines))]
        self.targets = [
            ForgetTarget(
                id=self.ids[at],
                name=self.names[at],
                examples=[
                    Example(prompt=line["question"], completion=line["answer"])
                    for line in self.lines[at : at + QUESTIONS_PER_AUTHOR]
                ],
            )
            for at in range(0, len(self.lines), QUESTIONS_PER_AUTHOR)
        ]

    def original(self) -> list[Asked]:
        """Return the questions in the wording of the examples."""
        return [question(line["question"], target) for line, target in zip(self.lines, self.ids, strict=True)]

    def paraphrased(self) -> list[Asked]:
        """Return TOFU's paraphrases of the questions."""
        return [question(line["paraphrased_question"], target) for line, target in zip(self.lines, self.ids, strict=True)]

    def written(self) -> list[Asked]:
        """Return the paraphrases that were written by hand (forget10 only)."""
        return [
            question(text, self.ids[one.index])
            for one in load_paraphrases()
            if one.index < len(self.ids)
            for text in one.paraphrases
        ]

    def languages(self) -> dict[str, list[Asked]]:
        """Return the questions in other languages, by language code; under `<code> script` the name is in that script too."""
        found: dict[str, list[Asked]] = {}
        for one in load_languages():
            if one.index >= len(self.ids):
                continue
            for code, text in one.questions.items():
                found.setdefault(code, []).append(question(text, self.ids[one.index]))
            for code, text in one.transliterated.items():
                found.setdefault(f"{code} script", []).append(question(text, self.ids[one.index]))
        return found

    def attacked(self, attack: Attack, seed: int = 0) -> list[Asked]:
        """Return TOFU's paraphrases, which are not among the examples, in the form that the attack gives them."""
        rng = random.Random(seed)  # noqa: S311
        rows = zip(self.lines, self.names, self.ids, strict=True)
        return [ask(attack(line["paraphrased_question"], line["answer"], name, rng), target) for line, name, target in rows]


@dataclass(frozen=True)
class Innocent:
    """Innocent prompts: `asked` by the name of the set, `background`, which the operator lists as innocent, and those `shipped`
    with the package."""

    asked: Mapping[str, list[Asked]]
    background: list[str]
    shipped: list[str]

    @property
    def full_background(self) -> list[str]:
        """The background of a server: the shipped prompts, then the operator's."""
        return [*self.shipped, *self.background]

    def halves(self) -> tuple[list[str], list[str]]:
        """Return two random halves of the shipped prompts, so that one can be asked while the other is the background."""
        texts = list(self.shipped)
        random.Random(0).shuffle(texts)  # noqa: S311
        middle = len(texts) // 2
        return texts[:middle], texts[middle:]

    @classmethod
    def load(cls, every: int = 1) -> Innocent:
        """Take every second question about the kept authors as background, and ask neither these nor their paraphrases.

        `every`: of each file, and of the shipped prompts, the line of this number and its multiples are taken.
        """
        kept = [line["question"] for line in tofu("retain90", TOFU)[::every]]
        background = kept[::BACKGROUND_STEP]
        chosen = set(background)
        paraphrased = [line for line in tofu("retain_perturbed", TOFU)[::every] if line["question"] not in chosen]
        return cls(
            {
                "retain": [question(text) for text in kept if text not in chosen],
                "retain paraphrased": [question(line["paraphrased_question"]) for line in paraphrased],
                "real_authors": [question(line["question"]) for line in tofu("real_authors", TOFU)[::every]],
                "world_facts": [question(line["question"]) for line in tofu("world_facts", TOFU)[::every]],
            },
            background,
            list(shipped_background()[::every]),
        )
