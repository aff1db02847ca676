"""MUSE's form of data (Shi et al. 2024, arXiv 2407.06460): what a model knows of texts, says word for word, and was trained on.

A folder has one folder for each part and in it one file of JSON Lines for each split, named as in the hub's dataset
`muse-bench/MUSE-Books`: `knowmem/forget_qa.jsonl`, `verbmem/forget.jsonl`, `privleak/holdout.jsonl`, `scal/forget_1.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.pairs import QAPair

FOLDS = ("forget_1", "forget_2", "forget_3", "forget_4")
"""Parts of what is to be forgotten: one after the other (`sust`), or ever more at once (`scal`)."""


class MuseError(ValueError):
    """A folder does not have MUSE's form."""


@dataclass(frozen=True)
class Continuation:
    """The beginning of a passage, and how it goes on."""

    prompt: str
    rest: str


@dataclass(frozen=True)
class Muse:
    """One forget set.

    Attributes:
        known: Questions about what is to be forgotten ("forget") and about what is to be kept ("retain"): KnowMem.
        verbatim: Passages to be forgotten: VerbMem.
        seen: Texts that were trained on and are to be forgotten ("forget"), that are to be kept ("retain"), and that were never
            seen ("holdout"): PrivLeak.
        growing: By fold, what is to be forgotten at once; each fold has those before it (`scal`).
        following: By fold, what is to be forgotten after the folds before it (`sust`).
    """

    known: Mapping[str, Sequence[QAPair]]
    verbatim: Sequence[Continuation]
    seen: Mapping[str, Sequence[str]]
    growing: Mapping[str, Sequence[str]]
    following: Mapping[str, Sequence[str]]


def load(folder: Path) -> Muse:
    """Return the data of a folder.

    Raises:
        MuseError: A file is missing, or a line lacks a field; the message names it.
    """
    return Muse(
        {
            name: [QAPair(row["question"], row["answer"]) for row in _rows(folder, "knowmem", f"{name}_qa", "question", "answer")]
            for name in ("forget", "retain")
        },
        [Continuation(row["prompt"], row["gt"]) for row in _rows(folder, "verbmem", "forget", "prompt", "gt")],
        {name: _texts(folder, "privleak", name) for name in ("forget", "retain", "holdout")},
        {name: _texts(folder, "scal", name) for name in FOLDS},
        {name: _texts(folder, "sust", name) for name in FOLDS},
    )


def save(muse: Muse, folder: Path) -> None:
    """Write the data into a folder, for `load`."""
    for name, pairs in muse.known.items():
        _write(folder, "knowmem", f"{name}_qa", [{"question": pair.question, "answer": pair.answer} for pair in pairs])
    _write(folder, "verbmem", "forget", [{"prompt": one.prompt, "gt": one.rest} for one in muse.verbatim])
    for part, splits in (("privleak", muse.seen), ("scal", muse.growing), ("sust", muse.following)):
        for name, texts in splits.items():
            _write(folder, part, name, [{"text": text} for text in texts])


def _texts(folder: Path, part: str, split: str) -> list[str]:
    return [row["text"] for row in _rows(folder, part, split, "text")]


def _rows(folder: Path, part: str, split: str, *fields: str) -> list[dict[str, str]]:
    path = folder / part / f"{split}.jsonl"
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise MuseError(f"{path} cannot be read: {error.strerror}. A folder in MUSE's form has {part}/{split}.jsonl") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except json.JSONDecodeError as error:
            raise MuseError(f"{path}:{number}: {error}") from error
        if not isinstance(row, dict) or not all(isinstance(row.get(field), str) for field in fields):
            raise MuseError(f"{path}:{number}: a line is a JSON object with the texts {', '.join(fields)}")
        found.append(row)
    if not found:
        raise MuseError(f"{path} has no lines")
    return found


def _write(folder: Path, part: str, split: str, rows: Sequence[dict[str, str]]) -> None:
    path = folder / part / f"{split}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
