"""A tiny language model that knows given answers by heart, trained in about a minute on two cores and kept in a cache.

`python -m evaluation.tinylm` makes the demo's model; the last line on stdout is its folder. With `--data FILE.jsonl` it learns
other question-answer pairs, such as those of the TOFU benchmark.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import platformdirs

from evaluation.pairs import QAPair, load_jsonl
from evaluation.tinylm.recipe import Recipe, TrainingReport
from evaluation.tinylm.tokenizer import CHAT_TEMPLATE

__all__ = ["QAPair", "Recipe", "TrainingReport", "cached_model", "load_jsonl", "model_key", "read_report", "train"]

REPORT = "training.json"
FORMAT = 1  # raise when a change in the training code must not be answered with models trained before it


def train(
    pairs: Sequence[QAPair], out: Path, recipe: Recipe | None = None, *, progress: bool = True, threads: int | None = None
) -> TrainingReport:
    """Trains a model on `pairs` into the folder `out`, which vLLM and transformers load as it stands.

    Progress goes to stderr. `threads`: how many to compute with; None takes the cores that are idle.

    Raises:
        FileExistsError: `out` exists and is not an empty folder.
        ValueError: pairs and recipe cannot go together (see `evaluation.tinylm.training.train_model`).
        evaluation.tinylm.training.TrainingError: the recipe's goal was missed; nothing is left in `out`.
    """
    out = out.expanduser().resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists and is not an empty folder")
    with _complete_or_absent(out) as folder:
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
    """The folder of the model trained on `pairs` after `recipe`; trains it only if it is not in the cache.

    The cache is `cache_dir`, else $GUARD_CACHE_DIR, else the user's cache folder for guard-server. Processes that want the
    same model at once wait for the one that trains it. Raises what `train` raises.
    """
    recipe = recipe or Recipe()
    folder = (cache_dir or default_cache_dir()) / "models" / model_key(pairs, recipe)
    if (folder / REPORT).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # released by the system, however this process ends
        if not (folder / REPORT).is_file():
            train(pairs, folder, recipe, progress=progress, threads=threads)
    return folder


def default_cache_dir() -> Path:
    """$GUARD_CACHE_DIR, or the user's cache folder for guard-server."""
    override = os.environ.get("GUARD_CACHE_DIR")
    return Path(override).expanduser() if override else platformdirs.user_cache_path("guard-server")


def model_key(pairs: Sequence[QAPair], recipe: Recipe) -> str:
    """The sha256 (hex) of all that shapes the model: pairs, recipe, chat template, format and library versions."""
    content = {
        "format": FORMAT,
        "pairs": [asdict(pair) for pair in pairs],
        "recipe": asdict(recipe),
        "template": CHAT_TEMPLATE,
        "libraries": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_report(folder: Path) -> TrainingReport:
    """The report of the training that made the model in `folder`."""
    return TrainingReport(**json.loads((folder / REPORT).read_text(encoding="utf-8")))


@contextmanager
def _complete_or_absent(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its name at the end, and vanishes if the end is not reached.

    What a killed process left behind is removed by the next that makes the same folder.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{out.name}.partial-"
    for stale in out.parent.glob(f"{prefix}*"):
        owner = stale.name.removeprefix(prefix).partition("-")[0]
        if not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=out.parent))
    try:
        yield folder
        folder.chmod(0o755)  # mkdtemp's 0700 would keep a server running as another user out
        folder.replace(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
