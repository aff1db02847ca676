"""The models of each seed: the one that knows, the one that never saw it, and those that were trained to forget."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from evaluation.books.builder import build
from evaluation.books.corpus import ALICE
from evaluation.books.corpus import corpus as book
from evaluation.data import BOOKS, TOFU, missing
from evaluation.finetuned import corpus
from evaluation.finetuned.model import cached_model, find
from evaluation.finetuned.recipe import METHODS, Recipe, Unlearning
from evaluation.smollm.model import cached_model as smollm


class NoModel(Exception):
    """A model has not been trained; the message has the command that trains it."""


@dataclass(frozen=True)
class Models:
    """The models of one seed.

    Attributes:
        whole: The folder of the model that knows what is to be forgotten.
        retain: The folder of the model that never saw it.
        trained: The folders of models that were trained to forget, by method.
        book: The folders of the models that learned Alice and that never saw it, if both are trained.
    """

    whole: Path
    retain: Path
    trained: dict[str, Path] = field(default_factory=dict)
    book: tuple[Path, Path] | None = None


def models(seed: int, *, train: bool = False, base: Path | None = None, data: Path = TOFU) -> Models:
    """Return the models of a seed.

    Args:
        seed: Draws the order in which they learn.
        train: Train what is missing, which takes hours without a GPU; models that forget by training count only if they exist.
        base: The folder of the model that they start from; None for SmolLM2-135M-Instruct.
        data: TOFU's files.

    Raises:
        NoModel: One is missing, and `train` is false.
        OSError: The base or TOFU's files cannot be read.
    """
    base = base or smollm()
    learned = corpus.load(folder=data)
    found = []
    for recipe in (Recipe(seed=seed), Recipe(seed=seed, retain=True)):
        folder = cached_model(base, learned, recipe) if train else find(base, learned, recipe)
        if folder is None:
            again = f"python -m evaluation.finetuned --seed {seed}{' --retain' if recipe.retain else ''}"
            raise NoModel(f"the model of seed {seed} is not trained: run `{again}`, or this command with --train")
        found.append(folder)
    whole, retain = found
    unlearned = {method: find(whole, learned, Unlearning(method, seed=seed)) for method in METHODS}
    return Models(whole, retain, {method: folder for method, folder in unlearned.items() if folder}, _book(seed, base))


def _book(seed: int, base: Path) -> tuple[Path, Path] | None:
    if missing(BOOKS):
        return None
    learned = book(build())
    whole = find(base, learned, Recipe(ALICE, seed=seed))
    retain = find(base, learned, Recipe(ALICE, seed=seed, retain=True))
    return (whole, retain) if whole and retain else None
