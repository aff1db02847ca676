from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.data import TOFU, missing
from evaluation.pairs import QAPair, ambiguous_questions, load_jsonl


def write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_reads_paraphrases_from_either_field_and_ignores_others(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"question": "A?", "answer": "a.", "paraphrases": ["B?", "A?"], "paraphrased_question": "C?", "option1": 3}',
        "",
        '{"question": " D? ", "answer": "d."}',
    )
    assert load_jsonl(path) == [QAPair("A?", "a.", ("B?", "C?")), QAPair("D?", "d.")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"question": "A?"}', "'answer' is missing"),
        ('{"question": "", "answer": "a."}', "'question' is missing, empty"),
        ('{"question": "A?", "answer": 12}', "'answer' is missing, empty or not text"),
        ('{"question": "A?", "answer": "a.", "paraphrases": [""]}', "'paraphrases' must be"),
        ('{"question": "A?", "answer": "a.", "paraphrased_question": {"x": 1}}', "'paraphrased_question' must be"),
        ("[1, 2]", "not a JSON object"),
        ('{"question": ', "Expecting value"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = write(tmp_path, '{"question": "Q?", "answer": "a."}', line)
    with pytest.raises(ValueError, match=rf"pairs\.jsonl:2: .*{message}"):
        load_jsonl(path)


def test_refuses_an_empty_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no question-answer pair"):
        load_jsonl(write(tmp_path, "", ""))


def test_finds_questions_with_two_answers() -> None:
    pairs = [QAPair("A?", "a."), QAPair("B?", "b.", ("A?",)), QAPair("C?", "c.", ("D?",)), QAPair("D?", "c.")]
    assert ambiguous_questions(pairs) == {"A?": {"a.", "b."}}


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
@pytest.mark.parametrize(
    ("name", "count", "paraphrased"), [("full", 4000, 0), ("forget10", 400, 0), ("forget10_perturbed", 400, 400)]
)
def test_reads_tofu(name: str, count: int, paraphrased: int) -> None:
    pairs = load_jsonl(TOFU / f"{name}.json")
    assert len(pairs) == count
    assert sum(bool(pair.paraphrases) for pair in pairs) >= 0.99 * paraphrased
