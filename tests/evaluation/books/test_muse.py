from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.books.muse import FOLDS, Continuation, Muse, MuseError, load, save
from evaluation.pairs import QAPair

MUSE = Muse(
    {"forget": [QAPair("Who?", "Alice.")], "retain": [QAPair("Where?", "In Oz."), QAPair("When?", "Then.")]},
    [Continuation("Alice was beginning", "to get very tired")],
    {"forget": ["a"], "retain": ["b"], "holdout": ["ç", "d"]},
    {name: ["a", "b"][: at + 1] for at, name in enumerate(FOLDS)},
    {name: [name] for name in FOLDS},
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    save(MUSE, tmp_path)
    assert load(tmp_path) == MUSE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "verbmem/forget.jsonl cannot be read"),
        ("", "has no lines"),
        ('{"prompt": "a"}', r"forget.jsonl:1: a line is a JSON object with the texts prompt, gt"),
        ('\n{"prompt": "a", "gt": 1}', "forget.jsonl:2: a line is"),
        ("[]", "a line is a JSON object"),
        ("{", "forget.jsonl:1: Expecting"),
    ],
)
def test_another_form_is_an_error_that_names_the_line(text: str | None, said: str, tmp_path: Path) -> None:
    save(MUSE, tmp_path)
    path = tmp_path / "verbmem" / "forget.jsonl"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(MuseError, match=said):
        load(tmp_path)
