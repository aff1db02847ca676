from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from evaluation.baselines.models import small_tokenizer
from evaluation.baselines.timing import StepCost
from evaluation.demo import load_demo
from evaluation.speed import decoding, throughput
from guard import Vocabulary


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return small_tokenizer(vocabulary=400)


def test_a_larger_set_of_phrases_holds_the_smaller_one() -> None:
    assert decoding.texts(20)[:10] == decoding.texts(10)
    assert len(set(decoding.texts(20))) == 20


@pytest.mark.slow
def test_the_text_is_a_novel_or_else_the_demos_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BOOKS", tmp_path)
    answers = decoding.spoken()
    assert answers.count(load_demo().pairs[0].answer) == 20
    (tmp_path / "sherlock_holmes.txt").write_text("é" * 200_000, encoding="utf-8")
    assert decoding.spoken() == "é" * 150_000


def test_the_small_tokenizer_learns_the_books_or_else_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[list[str] | None] = []
    monkeypatch.setattr(decoding, "small_tokenizer", learned.append)
    monkeypatch.setattr(decoding, "BOOKS", tmp_path / "books")
    assert list(decoding.tokenizers(("8k",))) == ["8k"]
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "a.txt").write_text("a novel")
    decoding.tokenizers(("8k",))
    assert learned == [None, ["a novel"]]


def cost(phrases: int, median_us: float, estimated: bool = False) -> StepCost:
    return StepCost(phrases, 100, 1, median_us, 2 * median_us, 10, 0.0, estimated)


@pytest.mark.parametrize(
    ("most", "vllm", "transformers", "naive"),
    [(100_000, [10, 100, 128, 1_000, 10_000], [10, 100], [10, 100, 1_000]), (100, [10, 100], [10, 100], [10, 100])],
)
def test_rivals_are_measured_until_a_step_takes_more_than_five_seconds(
    most: int, vllm: list[int], transformers: list[int], naive: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []

    def guard_paper(tokenizer: Any, folder: Path, limit: int) -> list[dict[str, Any]]:
        limits.append(limit)
        return []

    monkeypatch.setitem(sys.modules, "vllm.tokenizers", SimpleNamespace(get_tokenizer=lambda folder: None))
    monkeypatch.setattr(decoding.vllm_bad_words, "step_cost", lambda _, drawn, width: cost(len(drawn), 5.0))
    # The second of these takes six seconds: the third is not tried.
    monkeypatch.setattr(decoding.no_bad_words, "step_cost", lambda _, drawn, width: cost(len(drawn), 6e4 * len(drawn)))
    # An estimate takes no such time, whatever it says.
    monkeypatch.setattr(decoding.naive, "step_cost", lambda drawn, vocabulary: cost(len(drawn), 1e9, estimated=True))
    monkeypatch.setattr(decoding, "_guard_paper", guard_paper)
    found = decoding.rivals([], Vocabulary.of([b"a"]), tmp_path, most)  # type: ignore[arg-type]
    sizes = {name: [one["phrases"] for one in costs] for name, costs in found.items()}
    assert sizes["vllm bad_words"] == vllm
    assert sizes["transformers NoBadWords"] == transformers
    assert sizes["naive"] == naive
    assert limits == [min(most, decoding.MOST_GUARD)]


@pytest.mark.slow
@pytest.mark.parametrize(("with_rivals", "words"), [(True, [10, 100]), (False, [])])
def test_every_vocabulary_is_measured_in_every_way(
    with_rivals: bool, words: list[int], tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def generated(model: Path, vocabulary: int, texts: Any, sizes: Any, words: Any, effort: Any) -> throughput.Throughput:
        asked.append((model.name, vocabulary, tuple(sizes), list(words)))
        return throughput.Throughput(vocabulary, {100: {1: 0.9}}, {}, {1: [9.0]}, {1: [10.0]})

    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(decoding, "tokenizers", lambda names: dict.fromkeys(names, tokenizer))
    monkeypatch.setattr(decoding, "random_llama", lambda folder, tokenizer: folder)
    monkeypatch.setattr(decoding, "BATCHES", (1, 2))
    monkeypatch.setattr(decoding, "rivals", lambda *_: {"a rival": []})
    monkeypatch.setattr(decoding.throughput, "measure", generated)
    found = decoding.measure(decoding.Effort((10, 100), 30, ("8k", "131k")), with_rivals=with_rivals)
    assert asked == [("model", len(tokenizer), (10, 100), words)] * 2
    for name in ("8k", "131k"):
        assert [one["phrases"] for one in found["compiled"][name]] == [10, 100]
        assert [(one["phrases"], one["batch"]) for one in found["steps"][name]] == [(10, 1), (10, 2), (100, 1), (100, 2)]
        assert found["rivals"][name] == ({"a rival": []} if with_rivals else {})
        assert found["throughput"][name]["idle_ratio"] == {1: 0.9}
