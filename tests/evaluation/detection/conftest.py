"""A small copy of TOFU's form: two invented authors to forget, three to keep."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.detection import sets

FORGOTTEN = ("Ada Brill", "Bob Crane")
KEPT = ("Eve Stone", "Finn Marsh", "Gail Thorn")
# One word of each question is in no other question.
SUBJECTS = (
    *("birthplace", "profession", "father", "mother", "school", "award", "novel", "poem", "garden", "boat"),
    *("dog", "house", "piano", "language", "journey", "debut", "publisher", "teacher", "illness", "hobby"),
)


def lines(names: tuple[str, ...]) -> list[dict[str, object]]:
    return [
        {
            "question": f"What is known about the {subject} of {name}?",
            "paraphrased_question": f"Could you describe the {subject} that {name} had?",
            "answer": f"The {subject} of {name} is a secret of number {number}.",
            "paraphrased_answer": f"It is a secret of number {number}.",
            "perturbed_answer": ["It is public.", "Nobody asked."],
        }
        for name in names
        for number, subject in enumerate(SUBJECTS)
    ]


@pytest.fixture
def tofu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the small files, in place of TOFU's."""
    files = {name: lines(FORGOTTEN) for name in ("forget01_perturbed", "forget05_perturbed", "forget10_perturbed")}
    files |= {"retain90": lines(KEPT), "retain_perturbed": lines(KEPT)}
    files |= {"real_authors": [{"question": "Who wrote Faust?"}], "world_facts": [{"question": "Where is the Nile?"}] * 2}
    folder = tmp_path / "tofu"
    folder.mkdir()
    for name, rows in files.items():
        (folder / f"{name}.json").write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    monkeypatch.setattr(sets, "TOFU", folder)
    return folder
