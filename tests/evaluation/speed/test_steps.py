"""The benchmark's own arithmetic, on small inputs; its figures are not tested."""

from __future__ import annotations

from pathlib import Path

from evaluation.speed import steps
from guard import Vocabulary

TOKENS = [None, *(bytes([b]) for b in b"abcdefghijklmnopqrstuvwxyz "), b" mad", b" hatter", b" tea"]


def test_walks_have_one_length_and_hold_beginnings_of_phrases() -> None:
    walked = steps.walks(list(range(1, 27)) * 200, [[28, 29]], batch=3)
    assert [len(walk) for walk in walked] == [steps.STEPS] * 3
    assert all(28 in walk for walk in walked)
    assert all(29 not in walk for walk in walked)


def test_a_measurement_covers_every_step_of_every_row(tmp_path: Path) -> None:
    restriction, cost = steps.compiled(["mad hatter", "mad tea party"], tmp_path)
    assert (cost.phrases, cost.nodes) == (2, len(restriction.automaton) + len(restriction.compact))
    assert cost.bytes_per_phrase_byte > 1
    vocabulary = Vocabulary.of(TOKENS)
    found = steps.measure(restriction, vocabulary, steps.walks(list(range(1, 27)) * 9, [[28, 29]], 4, steps=60), 2)
    assert (found.batch, found.vocabulary, found.phrases) == (4, len(TOKENS), 2)
    assert 0 < found.p50 <= found.p99
    assert found.cold_p50 <= found.cold_p99 <= found.cold_max
