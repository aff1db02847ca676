from __future__ import annotations

import json
import math
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evaluation.soundness import fuzz
from guard import Vocabulary, reference


def test_a_small_vocabulary_can_say_its_texts() -> None:
    vocabulary, texts = fuzz.small_vocabulary(random.Random(4))
    single = {raw for raw in vocabulary.raw if len(raw) == 1}
    assert texts
    assert all({bytes([byte]) for byte in text.encode()} <= single for text in texts)


def test_phrases_are_the_same_for_the_same_seed_and_of_every_kind() -> None:
    drawn = [phrase for seed in range(40) for phrase in fuzz.phrases(random.Random(seed), ["harbour", "sea", "winter"])]
    assert drawn[:1] == fuzz.phrases(random.Random(0), ["harbour", "sea", "winter"])[:1]
    assert {phrase.match for phrase in drawn} == {"word", "prefix", "substring"}
    assert {phrase.scope for phrase in drawn} == {"always", "gated"}
    assert {phrase.beta for phrase in drawn} == {1.0, 0.6, 0.2}


def test_banned_is_infinitely_penalised() -> None:
    banned, soft = ((np.zeros(len(ids), np.int64), np.array(ids, np.int64)) for ids in ([3, 4], [7]))
    edits = SimpleNamespace(banned=banned, soft=soft, penalties=np.array([2.5], np.float32))
    assert fuzz.banned(edits) == {3: math.inf, 4: math.inf, 7: 2.5}


@pytest.mark.slow
def test_a_round_compares_every_token_at_every_step() -> None:
    vocabulary, _ = fuzz.small_vocabulary(random.Random(1))
    assert fuzz.round_of(1, None) == fuzz.WALK * len(vocabulary)
    tokens = [None, *(bytes([byte]) for byte in range(256)), b" harbour", b" sea", b"winter"]
    assert 0 < fuzz.round_of(1, Vocabulary.of(tokens)) <= fuzz.WALK * 2 * fuzz.SAMPLE


def test_a_disagreement_names_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "penalty", lambda phrases, said, token, exceptions: 1.5)
    with pytest.raises(AssertionError, match=r"seed 1 step 0 token .* expected 1\.5"):
        fuzz.round_of(1, None)


def test_figures_are_counted_by_kind_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    played: list[int] = []

    def round_of(seed: int, large: Vocabulary | None) -> int:
        assert (large is not None) == (seed % 4 == 0)
        played.append(seed)
        return 10

    ticks = iter(range(100))
    monkeypatch.setattr(fuzz, "round_of", round_of)
    monkeypatch.setattr(fuzz, "tekken", lambda: Vocabulary.of([b"a"]))
    monkeypatch.setattr(fuzz, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    monkeypatch.setattr(fuzz, "tqdm", _NoProgress)
    monkeypatch.setattr(sys, "argv", ["fuzz", "--minutes", "0.1", "--seed", "7", "--out", str(tmp_path / "fuzz.json")])
    fuzz.main()
    # Six seconds, a second per look at the clock; the first look is the start.
    assert played == [7, 8, 9, 10, 11]
    found = json.loads((tmp_path / "fuzz.json").read_text())
    assert found == json.loads(capsys.readouterr().out)
    assert found["rounds"] == {"small": 4, "tekken": 1}
    assert found["tokens_compared"] == {"small": 40, "tekken": 10}
    assert found["seeds"] == [7, 11]


class _NoProgress:
    n = 0

    def __init__(self, total: int, **_: object) -> None:
        self.total = total

    def __enter__(self) -> _NoProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, _: int) -> None:
        return None
