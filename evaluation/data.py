"""The texts that measurements need and that the repository does not hold: where they are, and how to get them.

The TOFU benchmark and six novels lie in `shared/data` beside the repository; Mistral's vocabulary comes with the package
`mistral_common`. Standard library only: importing this costs nothing.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "shared" / "data"
TOFU = DATA / "tofu"
"""TOFU (Maini et al. 2024, arXiv 2401.06121): 200 invented authors, 20 questions about each, as JSON Lines."""
BOOKS = DATA / "books"
"""Novels published before 1929, as plain text."""

_HOW = {
    TOFU: "put the JSON files of the dataset locuslab/TOFU (Hugging Face) there",
    BOOKS: "put the novels there as UTF-8 text, sherlock_holmes.txt among them",
}


def missing(folder: Path) -> str:
    """Return what to do about `TOFU` or `BOOKS` where the folder is missing; empty where it is there.

    Tests take it as the reason to skip.
    """
    return "" if folder.is_dir() else f"{folder} is missing: {_HOW.get(folder, 'make it')}"


def tofu(name: str, folder: Path = TOFU) -> list[dict[str, Any]]:
    """Return the records of one of TOFU's files, such as "forget10_perturbed", in the file's order.

    Raises:
        FileNotFoundError: the file is missing; the message says how to get it.
    """
    path = folder / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {_HOW[TOFU]}")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def from_hub() -> Path:
    """Return a folder with TOFU's files from the Hugging Face hub; they are downloaded once.

    Raises:
        OSError: The hub cannot be reached, and the files are not in its cache.
    """
    # Imported here: importing this module costs nothing.
    from huggingface_hub import snapshot_download

    return Path(snapshot_download("locuslab/TOFU", repo_type="dataset", allow_patterns="*.json"))


def tekken_file() -> Path:
    """Return the vocabulary tekken 240911 that `mistral_common` ships: 131,072 entries, 1,000 of them special.

    Raises:
        FileNotFoundError: the package or its file is missing.
    """
    spec = find_spec("mistral_common")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "data" / "tekken_240911.json"
        if path.is_file():
            return path
    raise FileNotFoundError("mistral_common has no data/tekken_240911.json: install mistral-common, as vLLM does")
