"""Epochs of a training whose state is kept after each: a run that was cut off goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from evaluation.finetuned.recipe import TimeOver


@dataclass
class Done:
    """What is trained so far: epochs, tokens read without padding, seconds, and the mean loss of the last epoch in nats."""

    epochs: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: float = float("inf")


def train(
    model: Any, optimizer: torch.optim.Optimizer, count: int, state: Path, seconds: float, one: Callable[[int], tuple[float, int]]
) -> Done:
    """Train what is missing of `count` epochs.

    Args:
        model: The model; it is read from `state` if that exists.
        optimizer: The same of the optimizer.
        count: The number of epochs.
        state: A file for both.
        seconds: How long to train. At least one epoch is trained.
        one: Trains the epoch of a number, from 0, and returns its mean loss and the tokens that it read.

    Raises:
        TimeOver: The time was over before the last epoch. A call with the same arguments goes on.
    """
    began, done = time.monotonic(), Done()
    if state.is_file():
        held = torch.load(state, weights_only=True)
        model.load_state_dict(held["model"])
        optimizer.load_state_dict(held["optimizer"])
        done = Done(**held["done"])
    first = done.epochs
    for epoch in range(first, count):
        started = time.monotonic()
        if epoch > first and started - began > seconds:
            raise TimeOver(f"{epoch} of {count} epochs are trained")
        loss, tokens = one(epoch)
        done = Done(epoch + 1, done.tokens + tokens, done.seconds + time.monotonic() - started, loss)
        _keep(state, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "done": asdict(done)})
    return done


def _keep(state: Path, held: dict[str, Any]) -> None:
    written = state.with_suffix(".new")
    torch.save(held, written)
    written.replace(state)  # so that a run that is killed leaves the state before
