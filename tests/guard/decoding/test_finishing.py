"""Finishing: words that no token holds are encoded once for a batch, within a budget, and cost what they should."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from guard.ban import Ban
from guard.decoding.edits import Edits
from guard.decoding.finishing import Finisher, open_encoder
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.errors import RestrictionError
from guard.meaning.anchors import Anchors, Vectors
from guard.meaning.wordvectors import WholeWords, WordVectors
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary
from tests.guard.meaning.encoders import Table

# Token id:  0        1         2         3        4       5      6
TOKENS = [b" phys", b"ician", b"icist", b" med", b" cup", b"ic", b" tea"]
VOCABULARY = Vocabulary.of(TOKENS)
NOTHING = Edits.collect({}, [], [])
# Cosines with "anchor": banned from 0.5 on, free up to 0.25, and eight logits times what lies between.
COSINES = {"physician": 1.0, "medic": 0.375, "physicist": 0.0}


class Words:
    """What a worker has for an encoder, over a table."""

    def __init__(self, model: str | None = None) -> None:
        self.fingerprint = model or "fake"
        self.table = Table(**COSINES)

    @property
    def calls(self) -> list[list[str]]:
        return self.table.calls

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self.table(texts)


def row(*said: int, phrases: Sequence[Phrase] = (), starves: bool = False) -> Row:
    anchors = Anchors.of(["anchor"], Table(), encoder="fake", delta=0.5, floor=0.25, weight=8)
    words = WordVectors.of(WholeWords.of(VOCABULARY), Table(), "fake")  # the encoder takes no whole word for near
    masks = Masks.of(Restriction.compile(phrases, anchors), VOCABULARY, words=words)
    made = Row([masks], [], list(said), starves=starves)
    made.bans()
    return made


def finished(finisher: Finisher, rows: dict[int, Row], likely: Sequence[int], before: Edits = NOTHING) -> Edits:
    candidates = np.tile(np.array(likely, np.int64), (len(rows), 1))
    return finisher.edits(rows, list(rows), candidates, before)


def pairs(edits: Edits) -> list[tuple[int, int]]:
    return [(position, token) for position, token in edits.banned.T.tolist()]


def test_what_would_finish_a_near_word_is_banned() -> None:
    edits = finished(Finisher(Words()), {3: row(0)}, [1, 2])
    assert pairs(edits) == [(3, 1)]


def test_between_floor_and_delta_it_costs_a_share_of_the_weight() -> None:
    edits = finished(Finisher(Words()), {0: row(3)}, [5])
    assert edits.soft.tolist() == [[0], [5]]
    assert edits.penalties.tolist() == [pytest.approx(4.0)]


def test_a_batch_is_encoded_in_one_call_and_each_word_once() -> None:
    words = Words()
    finisher = Finisher(words)
    rows = {0: row(0), 1: row(3), 2: row(0)}
    finished(finisher, rows, [1, 2, 5])
    assert len(words.calls) == 1
    assert sorted(words.calls[0]) == sorted(set(words.calls[0]))
    finished(finisher, rows, [1, 2, 5])
    assert len(words.calls) == 1


def test_where_the_budget_does_not_suffice_every_row_s_likeliest_word_is_judged() -> None:
    words = Words()
    finisher = Finisher(words, budget=2)
    rows = {0: row(0), 1: row(3)}
    finished(finisher, rows, [1, 2])
    assert words.calls == [["physician", "medician"]]


def test_what_the_budget_left_is_judged_in_the_next_step() -> None:
    words = Words()
    finisher = Finisher(words, budget=2)
    rows = {0: row(0), 1: row(3)}
    finished(finisher, rows, [1, 2])
    finished(finisher, rows, [1, 2])
    assert words.calls[1:] == [["physicist", "medicist"]]


def test_a_token_that_cannot_be_sampled_is_not_judged() -> None:
    words = Words()
    assert pairs(finished(Finisher(words), {0: row(0)}, [-1, -1])) == []
    assert words.calls == []


def test_of_what_was_penalised_before_only_the_rest_is_added() -> None:
    before = Edits.collect({0: [costing(5, 3.0)]}, [], [])
    edits = finished(Finisher(Words()), {0: row(3)}, [5], before)
    assert edits.penalties.tolist() == [pytest.approx(1.0)]
    dearer = Edits.collect({0: [costing(5, 6.0)]}, [], [])
    assert not finished(Finisher(Words()), {0: row(3)}, [5], dearer).soft.size


def costing(token: int, penalty: float) -> Ban:
    return Ban.of(np.array([token]), np.array([penalty], np.float32))


def test_a_starving_row_is_looked_at_once_more_only_if_something_was_found() -> None:
    rows = {0: row(0, starves=True), 1: row(6, starves=True), 2: row(0)}
    assert finished(Finisher(Words()), rows, [1]).starving.tolist() == [0]


def test_only_open_rows_with_anchors_are_concerned() -> None:
    plain = Row([Masks.of(Restriction.compile([Phrase("tea")]), VOCABULARY)], [], [])
    rows = {0: row(), 1: plain, 2: row()}
    assert Finisher.concerned(rows, Edits.collect({}, [2], [])) == [0]


def test_vectors_that_cannot_be_used_are_an_error() -> None:
    words = Words()
    words.encode = lambda texts: np.full((len(texts), 2), math.nan, np.float32)  # type: ignore[method-assign]
    with pytest.raises(RestrictionError, match="not finite"):
        finished(Finisher(words), {0: row(0)}, [1])


def test_an_encoder_is_opened_by_its_name() -> None:
    encoder = open_encoder(f"{__name__}:Words", "another")
    assert isinstance(encoder, Words)
    assert encoder.fingerprint == "another"


@pytest.mark.parametrize(("factory", "error"), [("no_such_module:Words", ImportError), (f"{__name__}:Nothing", AttributeError)])
def test_an_encoder_that_is_not_there_is_an_error(factory: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_encoder(factory, None)
