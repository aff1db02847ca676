"""The cache of fine-tuned models: each is trained once per user, over as many runs as it takes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path

from evaluation.cache import complete_or_absent, default_cache_dir
from evaluation.finetuned.corpus import Corpus
from evaluation.finetuned.recipe import Recipe, Report, TimeOver, Unlearning

REPORT = "training.json"
FORMAT = 1  # raise it with a change of the training after which models in caches must not be used


def cached_model(
    base: Path, corpus: Corpus, recipe: Recipe | Unlearning, cache_dir: Path | None = None, seconds: float = math.inf
) -> Path | None:
    """Return the folder of the model; train it first, or go on with its training, if the cache lacks it.

    Args:
        base: The folder of the model to start from.
        corpus: What it learns.
        recipe: How.
        cache_dir: The cache; None for $GUARD_CACHE_DIR, or else the user's cache folder for guard-server.
        seconds: How long to train. At least one epoch is trained.

    Returns:
        None if the time was over first. The next call goes on.
    """
    if found := find(base, corpus, recipe, cache_dir):
        return found
    folder = _folder(base, corpus, recipe, cache_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    state = folder.with_suffix(".state")
    try:
        with complete_or_absent(folder) as made:
            # Imported here: torch takes seconds to load, and a cached model does not need it.
            from evaluation.finetuned.training import fine_tuned
            from evaluation.finetuned.unlearning import unlearned

            if isinstance(recipe, Unlearning):
                report = unlearned(base, corpus, recipe, state, made, seconds)
            else:
                report = fine_tuned(base, corpus, recipe, state, made, seconds)
            (made / REPORT).write_text(json.dumps(dataclasses.asdict(report), indent=2) + "\n", encoding="utf-8")
    except TimeOver:
        return None
    state.unlink(missing_ok=True)
    return folder


def find(base: Path, corpus: Corpus, recipe: Recipe | Unlearning, cache_dir: Path | None = None) -> Path | None:
    """Return the folder of a model that is trained, or None. Arguments are those of `cached_model`."""
    folder = _folder(base, corpus, recipe, cache_dir)
    return folder if (folder / REPORT).is_file() else None


def _folder(base: Path, corpus: Corpus, recipe: Recipe | Unlearning, cache_dir: Path | None) -> Path:
    return (cache_dir or default_cache_dir()) / "models" / model_key(base, corpus, recipe)


def model_key(base: Path, corpus: Corpus, recipe: Recipe | Unlearning) -> str:
    """Return the sha256 (hex) of all that shapes the model: the files it starts from, the pairs in their order, the recipe."""
    files = hashlib.sha256()
    for path in [*sorted(base.glob("*.safetensors")), base / "config.json", base / "tokenizer.json"]:
        with path.open("rb") as file:
            files.update(hashlib.file_digest(file, "sha256").digest())
    pairs = [(name, pair.question, pair.answer) for name, pair in corpus.named]
    content = {"format": FORMAT, "base": files.hexdigest(), "pairs": pairs, "recipe": dataclasses.asdict(recipe)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_report(folder: Path) -> Report:
    """Return the report of the training that made the model in `folder`."""
    return Report(**json.loads((folder / REPORT).read_text(encoding="utf-8")))
