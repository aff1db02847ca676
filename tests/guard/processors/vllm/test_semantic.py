"""Words near an anchor, in the processor: what vLLM's batch gets, with an encoder in the worker and without one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate

from guard.errors import RestrictionError
from guard.meaning.anchors import DELTA, FLOOR, WEIGHT, Anchors
from guard.meaning.wordvectors import WordVectors
from guard.phrase import Phrase
from guard.processors.tokenizer import vocabulary_from
from guard.processors.vllm.v1 import GuardLogitsProcessor
from guard.restriction import Restriction
from tests.guard.processors.vllm.conftest import config, saved

TOKENS = [
    "<pad>",
    "<end>",
    "Ġtea",
    "Ġphysician",
    "Ġdoctor",
    "Ġnurse",
    "Ġsurgeon",
    "physician",
    "Ġphys",
    "ician",
    "icist",
    "Ġmed",
    "ic",
]
ID = {token: at for at, token in enumerate(TOKENS)}
COSINES = {"physician": 1.0, "doctor": 0.75, "medic": 0.65, "nurse": 0.6, "surgeon": 0.5, "physicist": 0.4}
UNTOUCHED = [0.0] * len(TOKENS)


class Cosines:
    """An encoder of a few words at chosen cosines to "physician"; it keeps what it was asked."""

    asked: list[list[str]]

    def __init__(self, fingerprint: str | None = None) -> None:
        self.fingerprint = fingerprint or "cosines"
        self.asked = []
        self.broken: Exception | None = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(list(texts))
        if self.broken:
            raise self.broken
        return np.array([(c := COSINES.get(text, 0.0), math.sqrt(1 - c * c)) for text in texts], np.float32)


def cost(word: str) -> float:
    return WEIGHT * (COSINES[word] - FLOOR) / (DELTA - FLOOR)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.WordLevel({token: at for at, token in enumerate(TOKENS)}, unk_token="<pad>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return saved(backend, tmp_path_factory.mktemp("tokenizer"), pad_token="<pad>", eos_token="<end>")


@pytest.fixture
def restriction(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Restriction:
    """Near "physician", stored with the tokenizer's word vectors."""
    made = Restriction.compile([], Anchors.of(["physician"], Cosines().encode, encoder="cosines"))
    made.save(tmp_path)
    WordVectors.cached(tmp_path / "words", vocabulary_from(tokenizer, len(TOKENS)), Cosines().encode, "cosines")
    return made


def opened(tokenizer: PreTrainedTokenizerFast, folder: Path, **others: str) -> GuardLogitsProcessor:
    settings = {"folder": str(folder), "words": str(folder / "words"), **others}
    return GuardLogitsProcessor(config(tokenizer, {"guard": settings}, len(TOKENS)), torch.device("cpu"), False)


@pytest.fixture
def plain(tokenizer: PreTrainedTokenizerFast, restriction: Restriction, tmp_path: Path) -> GuardLogitsProcessor:
    return opened(tokenizer, tmp_path)


@pytest.fixture
def finishing(tokenizer: PreTrainedTokenizerFast, restriction: Restriction, tmp_path: Path) -> GuardLogitsProcessor:
    return opened(tokenizer, tmp_path, encoder=f"{__name__}:Cosines")


def encoder(processor: GuardLogitsProcessor) -> Cosines:
    assert processor.requests.finisher is not None
    assert isinstance(processor.requests.finisher.encoder, Cosines)
    return processor.requests.finisher.encoder


def start(processor: GuardLogitsProcessor, *rows: tuple[Sequence[str], Sequence[str]]) -> None:
    """Begin rows of the guard argument and the tokens said so far."""
    added = [
        (at, SamplingParams(extra_args={"guard": list(guard)}), [1], [ID[token] for token in said])
        for at, (guard, said) in enumerate(rows)
    ]
    processor.update_state(BatchUpdate(batch_size=len(rows), removed=[], added=added, moved=[]))


def edits(processor: GuardLogitsProcessor, rows: int, likely: Sequence[str] = ()) -> list[list[float]]:
    """What a step adds to the logits; `likely` tokens come first, in order."""
    logits = torch.zeros(rows, len(TOKENS))
    for rank, token in enumerate(likely):
        logits[:, ID[token]] = float(len(likely) - rank) * 100
    before = logits.clone()
    return (processor.apply(logits) - before).round(decimals=3).tolist()


def expected(**costs: float) -> list[float]:
    costs["<pad>"] = math.inf  # the dead end, which is the guard's alone
    return [-round(costs.get(token.replace("Ġ", "_"), 0.0), 3) or 0.0 for token in TOKENS]


@pytest.mark.slow
def test_whole_words_are_banned_when_near_and_cost_in_between_in_gated_rows_alone(
    plain: GuardLogitsProcessor, restriction: Restriction
) -> None:
    start(plain, ([restriction.digest], ["Ġtea"]), ([], ["Ġtea"]))
    near = {"_physician": math.inf, "_doctor": math.inf, "_nurse": cost("nurse")}
    assert edits(plain, 2) == [pytest.approx(expected(**near), abs=1e-3), UNTOUCHED]


def test_at_the_beginning_a_word_needs_no_space(plain: GuardLogitsProcessor, restriction: Restriction) -> None:
    start(plain, ([restriction.digest], []))
    assert edits(plain, 1)[0][ID["physician"]] == -math.inf


def test_a_phrase_and_a_near_word_cost_once_the_higher_of_the_two(
    plain: GuardLogitsProcessor, restriction: Restriction, tmp_path: Path
) -> None:
    phrase = Restriction.compile([Phrase("nurse", penalty=7.0), Phrase("doctor", penalty=1.0)])
    phrase.save(tmp_path)
    start(plain, ([phrase.digest, restriction.digest], ["Ġtea"]))
    near = {"_physician": math.inf, "_doctor": math.inf, "_nurse": 7.0}
    assert edits(plain, 1)[0] == pytest.approx(expected(**near), abs=1e-3)


def test_without_an_encoder_in_the_worker_words_of_several_tokens_are_free(
    plain: GuardLogitsProcessor, restriction: Restriction
) -> None:
    start(plain, ([restriction.digest], ["Ġphys"]))
    assert edits(plain, 1, ["ician"])[0][ID["ician"]] == 0


def test_with_one_what_finishes_a_near_word_is_penalised_among_the_likeliest(
    finishing: GuardLogitsProcessor, restriction: Restriction
) -> None:
    start(finishing, ([restriction.digest], ["Ġphys"]), ([restriction.digest], ["Ġmed"]), ([], ["Ġphys"]))
    one, other, free = edits(finishing, 3, ["ician", "icist", "ic"])
    assert (one[ID["ician"]], one[ID["icist"]]) == (-math.inf, 0)
    assert other[ID["ic"]] == pytest.approx(-cost("medic"), abs=1e-3)
    assert free == UNTOUCHED
    # One call for the whole batch, and none for what is known.
    assert len(encoder(finishing).asked) == 1
    assert {"physicist", "medic"} <= set(encoder(finishing).asked[0])
    assert "physician" not in encoder(finishing).asked[0]
    assert edits(finishing, 3, ["ician", "icist", "ic"]) == [one, other, free]
    assert len(encoder(finishing).asked) == 1


def test_a_whole_word_among_the_likeliest_is_penalised_once(finishing: GuardLogitsProcessor, restriction: Restriction) -> None:
    start(finishing, ([restriction.digest], ["Ġtea"]))
    found = edits(finishing, 1, ["Ġnurse", "Ġsurgeon"])[0]
    assert found[ID["Ġnurse"]] == pytest.approx(-cost("nurse"), abs=1e-3)
    assert found[ID["Ġsurgeon"]] == 0


@pytest.mark.parametrize("error", [RuntimeError("a secret word"), None], ids=["raises", "returns nan"])
def test_an_encoder_that_fails_closes_the_rows_that_need_it_and_tells_no_word(
    finishing: GuardLogitsProcessor, restriction: Restriction, caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    start(finishing, ([restriction.digest], ["Ġphys"]), ([], ["Ġphys"]))
    if error:
        encoder(finishing).broken = error
    else:
        encoder(finishing).encode = lambda texts: np.full((len(texts), 2), np.nan, np.float32)  # type: ignore[method-assign]
    logits = finishing.apply(torch.ones(2, len(TOKENS)))
    assert logits[0].tolist() == [0.0] + [-math.inf] * (len(TOKENS) - 1)
    assert logits[1].tolist() == [1.0] * len(TOKENS)
    assert "secret" not in caplog.text


def test_a_closed_row_is_not_asked_about(finishing: GuardLogitsProcessor, restriction: Restriction) -> None:
    start(finishing, ([restriction.digest], ["Ġphys"]))
    finishing._batch.rows[0].output.append(-1)  # type: ignore[attr-defined]
    assert edits(finishing, 1)[0][1:] == [-math.inf] * (len(TOKENS) - 1)
    assert encoder(finishing).asked == []


def test_another_encoder_in_the_worker_than_the_anchors_own_is_refused(
    tokenizer: PreTrainedTokenizerFast, restriction: Restriction, tmp_path: Path
) -> None:
    processor = opened(tokenizer, tmp_path, encoder=f"{__name__}:Cosines", encoder_model="another")
    with pytest.raises(RestrictionError, match="another encoder"):
        processor.requests.library.masks(restriction.digest)
    start(processor, ([restriction.digest], []))
    assert processor.apply(torch.ones(1, len(TOKENS)))[0].argmax() == 0
