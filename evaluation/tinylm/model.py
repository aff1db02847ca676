"""A tiny language model that knows given answers by heart: about a minute of training on two cores, then a cache.

`python -m evaluation.tinylm` makes the demo's model; the last line on stdout is its folder. With `--data FILE.jsonl` it learns
other question-answer pairs, such as those of the TOFU benchmark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from evaluation.cache import complete_or_absent, default_cache_dir, made_once
from evaluation.pairs import QAPair
from evaluation.tinylm.recipe import Recipe, TrainingReport
from evaluation.tinylm.tokenizer import CHAT_TEMPLATE

REPORT = "training.json"
FORMAT = 1  # raise it with a change of the training code after which models in caches must not be used


def train(
    pairs: Sequence[QAPair], out: Path, recipe: Recipe | None = None, *, progress: bool = True, threads: int | None = None
) -> TrainingReport:
    """Train a model on `pairs` and write it into the folder `out`, which vLLM and transformers load.

    Args:
        pairs: what the model learns by heart.
        out: the folder to make; a failure leaves nothing there.
        recipe: shape, schedule and goal; None for the demo model's.
        progress: whether to show progress on stderr.
        threads: how many to compute with; None takes the cores that are idle.

    Raises:
        FileExistsError: `out` exists and is not an empty folder.
        ValueError: pairs and recipe do not go together (see `evaluation.tinylm.training.train_model`).
        evaluation.tinylm.training.TrainingError: training missed the recipe's goal.
    """
    out = out.expanduser().resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not an empty folder")
    with complete_or_absent(out) as folder:
        # Imported here: torch takes seconds to load, and a cached model does not need it.
        from evaluation.tinylm.training import train_model

        report = train_model(pairs, folder, recipe or Recipe(), progress=progress, threads=threads)
        (folder / REPORT).write_text(json.dumps(asdict(report), indent=2) + "\n", encoding="utf-8")
    return report


def cached_model(
    pairs: Sequence[QAPair],
    recipe: Recipe | None = None,
    cache_dir: Path | None = None,
    *,
    progress: bool = True,
    threads: int | None = None,
) -> Path:
    """Return the folder of the model trained on `pairs` with `recipe`; train the model only if the cache lacks it.

    Processes that want the same model at the same time wait for the one that trains it. Arguments and errors are those of
    `train`; the cache is `cache_dir`, else $GUARD_CACHE_DIR, else the user's cache folder for guard-server.
    """
    recipe = recipe or Recipe()
    folder = (cache_dir or default_cache_dir()) / "models" / model_key(pairs, recipe)
    return made_once(folder, REPORT, lambda out: train(pairs, out, recipe, progress=progress, threads=threads))


def model_key(pairs: Sequence[QAPair], recipe: Recipe) -> str:
    """Return the sha256 (hex) of all that shapes the model: pairs, recipe, chat template, format and library versions."""
    content = {
        "format": FORMAT,
        "pairs": [asdict(pair) for pair in pairs],
        "recipe": asdict(recipe),
        "template": CHAT_TEMPLATE,
        "libraries": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_report(folder: Path) -> TrainingReport:
    """Return the report of the training that made the model in `folder`."""
    return TrainingReport(**json.loads((folder / REPORT).read_text(encoding="utf-8")))
