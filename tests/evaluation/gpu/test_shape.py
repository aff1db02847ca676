"""A decoder of a small shape."""

from __future__ import annotations

import torch

from evaluation.gpu.shape import Decoder, Shape

TINY = Shape(hidden=16, layers=2, inner=32, heads=4, kv_heads=2, vocabulary=50, context=8)


def test_a_step_computes_logits_for_each_row_from_its_token() -> None:
    decoder = Decoder(TINY, 2, 6, torch.device("cpu"))
    decoder.ids.copy_(torch.tensor([1, 2, 3, 4, 5, 6]))
    first = decoder.step().clone()
    assert first.shape == (6, 50)
    assert first.isfinite().all()
    assert torch.equal(decoder.step(), first)
    decoder.ids[3] = 40
    second = decoder.step()
    # The other sequence has a cache of its own.
    assert torch.equal(second[:3], first[:3])
    assert not torch.equal(second[3], first[3])
