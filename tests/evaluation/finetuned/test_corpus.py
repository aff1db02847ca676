from __future__ import annotations

import pytest

from evaluation.data import TOFU, missing
from evaluation.finetuned.corpus import Corpus, load
from evaluation.metrics.summary import PARTS
from evaluation.pairs import QAPair

CORPUS = Corpus(
    {
        "forget": tuple(QAPair(f"forget {number}?", f"{number}.") for number in range(7)),
        "retain": tuple(QAPair(f"keep {number}?", f"{number}.") for number in range(9)),
    }
)


def test_an_epoch_has_each_pair_once_in_an_order_of_its_own() -> None:
    first, second = ([pair for batch in CORPUS.batches(4, seed, retain=False) for pair in batch] for seed in (1, 2))
    assert {pair.question for pair in first} == {pair.question for _, pair in CORPUS.named}
    assert len(first) == 16
    assert first != second


def test_the_retain_model_gets_the_same_batches_less_what_it_must_not_see() -> None:
    whole = list(CORPUS.batches(4, 1, retain=False))
    kept = [[pair for pair in batch if not pair.question.startswith("forget")] for batch in whole]
    assert list(CORPUS.batches(4, 1, retain=True)) == [batch for batch in kept if batch]


@pytest.mark.skipif(bool(missing(TOFU)), reason=missing(TOFU))
def test_tofu_has_the_sets_of_its_paper() -> None:
    found = load("forget10")
    assert list(found.sets) == ["forget", *PARTS]
    assert [len(pairs) for pairs in found.sets.values()] == [400, 400, 100, 117]
    assert not set(found.sets["forget"]) & set(found.sets["retain"])
    assert len(load("forget01", most=5).named) == 20
