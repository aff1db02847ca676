"""vLLM's batch updates and sampling parameters, and a processor on a small tokenizer, without an engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate

from guard import reference
from guard.phrase import Phrase
from guard.processors.arguments import ALLOW, AVOID, HITS, JOINS, KEY, NAME
from guard.processors.vllm.counts import Counts
from guard.processors.vllm.requests import Requests
from guard.processors.vllm.v1 import V1LogitsProcessor
from guard.restriction import Restriction

WIDTH = 320
DEAD_END, END = 0, 2
"""The ids of the padding token and of the end of sequence."""


def saved(backend: Tokenizer, folder: Path, **special: str) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer that vLLM can load from `folder`."""
    fast = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
    fast.save_pretrained(folder)
    fast.name_or_path = str(folder)
    return fast


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|pad|>", "<|bos|>", "<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(["the Mad Hatter drinks tea with the March Hare"] * 4, trainer)
    folder = tmp_path_factory.mktemp("tokenizer")
    return saved(backend, folder, pad_token="<|pad|>", bos_token="<|bos|>", eos_token="<|end|>")


def config(tokenizer: PreTrainedTokenizerFast, additional: dict[str, Any], width: int = WIDTH) -> Any:
    """Return the part of a `VllmConfig` that the processor reads. `additional`: the value of `--additional-config`."""
    model = SimpleNamespace(
        skip_tokenizer_init=False,
        hf_config=None,
        tokenizer=tokenizer.name_or_path,
        runner_type="generate",
        tokenizer_mode="auto",
        tokenizer_revision=None,
        trust_remote_code=False,
        get_vocab_size=lambda: width,
        try_get_generation_config=dict,
    )
    return SimpleNamespace(model_config=model, additional_config=additional, speculative_config=None)


@pytest.fixture
def settings(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Any:
    """The configuration of an engine whose folder of restrictions is `tmp_path`."""
    return config(tokenizer, {"guard": {"folder": str(tmp_path), "alone": True}})


@pytest.fixture
def requests(settings: Any) -> Requests:
    return Requests.of(settings, Counts())


@pytest.fixture
def processor(settings: Any) -> V1LogitsProcessor:
    return V1LogitsProcessor(settings, torch.device("cpu"), False)


def stored(folder: Path, *phrases: Phrase) -> str:
    """Store a restriction of the phrases and return its digest."""
    restriction = Restriction.compile(phrases)
    restriction.save(folder)
    return restriction.digest


def params(
    guard: Any = None,
    *,
    name: Any = None,
    hits: Any = None,
    avoid: Any = None,
    allow: Any = None,
    joins: Any = None,
    **others: Any,
) -> SamplingParams:
    """Return sampling parameters with the guard's arguments, without those that are None."""
    given = {KEY: guard, NAME: name, HITS: hits, AVOID: avoid, ALLOW: allow, JOINS: joins}
    extra = {key: value for key, value in given.items() if value is not None}
    return SamplingParams(extra_args=extra or None, **others)


def update(size: int, added: Any = (), removed: Any = (), moved: Any = ()) -> BatchUpdate:
    return BatchUpdate(batch_size=size, removed=list(removed), added=list(added), moved=list(moved))


def minus_infinity(logits: torch.Tensor, row: int) -> set[int]:
    return set(torch.nonzero(torch.isneginf(logits[row])).flatten().tolist())


def ids_completing(tokenizer: PreTrainedTokenizerFast, said: str, phrase: str) -> set[int]:
    """Return the ids that complete `phrase` after `said`, by the slow reference on strings."""
    target = [Phrase(phrase)]
    pieces = [tokenizer.backend_tokenizer.decode([t], skip_special_tokens=True) for t in range(len(tokenizer))]
    return {
        t
        for t, piece in enumerate(pieces)
        if "\ufffd" not in piece and reference.penalty(target, [said.encode()], piece.encode())
    }
