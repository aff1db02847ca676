from __future__ import annotations

import random
import string

import numpy as np
import pytest

from evaluation.speed import derivation
from guard import Phrase, Restriction, Vocabulary, reference
from guard.matching import kernels


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    """Every letter, and enough pieces for the sample that the slow reference is timed with."""
    rng = random.Random(0)
    pieces = [("".join(rng.choices(string.ascii_lowercase + " ", k=rng.randint(1, 5)))).encode() for _ in range(2500)]
    return Vocabulary.of([*(bytes([byte]) for byte in b"abcdefghijklmnopqrstuvwxyz "), *pieces])


def test_the_median_leaves_the_first_call_out() -> None:
    calls: list[int] = []
    assert derivation.microseconds(lambda: calls.append(1), times=5) >= 0
    assert len(calls) == 6


@pytest.mark.slow
def test_the_scan_bans_what_the_strings_say(vocabulary: Vocabulary) -> None:
    # Gated, as those that are measured: phrases that are always banned are also found without their spaces, by another automaton.
    kinds = [("mad hatter", "word"), ("tea", "word"), ("ate", "substring"), ("ma", "prefix")]
    phrases = [Phrase(text, "gated", kind) for text, kind in kinds]  # type: ignore[arg-type]
    automaton = Restriction.compile(phrases).automaton
    hits = 0
    for said in ("", "the mad hatte", "a t", "green te"):
        node = automaton.walk(automaton.start, np.frombuffer(said.encode(), np.uint8))
        found = kernels.hits(*automaton.paths, *automaton.ends, node, vocabulary.text, vocabulary.start, 0)
        sorted_pieces = [vocabulary.raw[token] for token in vocabulary.order]
        expected = [reference.penalty(phrases, [said.encode()], raw) > 0 for raw in sorted_pieces]
        assert (found > 0).tolist() == expected
        hits += sum(expected)
    assert hits > 20


def test_every_form_is_measured_in_both_places(monkeypatch: pytest.MonkeyPatch, vocabulary: Vocabulary) -> None:
    monkeypatch.setattr(derivation, "tekken", lambda: vocabulary)
    monkeypatch.setattr(derivation, "SAMPLE", 10)
    found = derivation.derive((3,))
    assert found.keys() == {"3 word", "3 phrase"}
    for figures in found.values():
        assert figures.keys() == {"naive_us", "scan_us", "descent_us", "cached_us"}
        assert figures["naive_us"] > figures["cached_us"] > 0
