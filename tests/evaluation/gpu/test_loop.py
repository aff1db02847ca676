"""The loop says the given texts, and sees whether the processor bans the right tokens."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evaluation.gpu.loop import WARM_UP, Loop
from evaluation.gpu.measure import _processor
from evaluation.gpu.shape import Decoder, Shape
from guard.decoding.library import Library
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.vocabulary import Vocabulary

TOKENS = [None, b" mad", b" hatter", b" tea", b" cup", b"s"]
TINY = Shape(hidden=16, layers=1, inner=32, heads=4, kv_heads=2, vocabulary=len(TOKENS), context=8)


@pytest.mark.parametrize("hits", [False, True])
@pytest.mark.parametrize("drafts", [0, 2])
def test_it_goes_through_the_texts_under_the_guard(tmp_path: Path, drafts: int, hits: bool) -> None:
    restriction = Restriction.compile([Phrase("mad hatter"), Phrase("cups")])
    restriction.save(tmp_path)
    library = Library(tmp_path, Vocabulary.of(TOKENS))
    walks = [([1, 3, 1, 4, 3] * 40)[:150], ([4, 4, 1, 3] * 40)[:150]]
    loop = Loop(Decoder(TINY, 2, 2 * (drafts + 1), torch.device("cpu")), walks, drafts, torch.device("cpu"), len(TOKENS))
    processor = _processor(loop, drafts, library, restriction.digest, hits=hits)
    times = loop.run(processor, 5)
    assert dataclasses.astuple(times) > (0, 0, 0)
    steps = WARM_UP + 5
    said = 1 + sum(1 + number % (drafts + 1) for number in range(steps))
    assert loop.states.total_len.gpu.tolist() == [said, said]
    assert loop.states.all_token_ids.gpu[1, :said].tolist() == walks[1][:said]
    masks = library.masks(restriction.digest)
    assert loop.wrong(processor, masks, hits=hits) == 0
    lax: Any = SimpleNamespace(apply_staged_writes=lambda: None, apply=lambda logits, _: logits, requests=processor.requests)
    assert loop.wrong(lax, masks, hits=hits) == 2 * (drafts + 1)
