from __future__ import annotations

from pathlib import Path

import pytest
import torch

from evaluation.finetuned.epochs import Done, train
from evaluation.finetuned.recipe import TimeOver


def trained(state: Path, epochs: int, seconds: float) -> tuple[Done, torch.nn.Linear]:
    """Train a line by momentum, so that the optimizer's state matters."""
    torch.manual_seed(1)
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def one(epoch: int) -> tuple[float, int]:
        loss = (model(torch.ones(1)) - epoch).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach()), 10

    return train(model, optimizer, epochs, state, seconds, one), model


def test_a_training_in_pieces_is_the_whole_one(tmp_path: Path) -> None:
    done, whole = trained(tmp_path / "whole", 4, 100)
    assert (done.epochs, done.tokens) == (4, 40)
    for epoch in (1, 2, 3):
        with pytest.raises(TimeOver, match=f"{epoch} of 4 epochs"):
            trained(tmp_path / "cut", 4, 0)
    last, pieces = trained(tmp_path / "cut", 4, 0)
    assert (last.epochs, last.tokens, last.loss) == (4, 40, done.loss)
    assert torch.equal(whole.weight, pieces.weight)


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    done, _ = trained(tmp_path / "state", 2, 100)
    assert trained(tmp_path / "state", 2, 0)[0] == done
