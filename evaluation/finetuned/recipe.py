"""How a model is fine-tuned or made to forget, and what that measured. Standard library only: a cached model needs no more."""

from __future__ import annotations

from dataclasses import dataclass, field


class TimeOver(Exception):
    """The time for a training is over before its last epoch. What is trained so far is kept."""


@dataclass(frozen=True)
class Recipe:
    """Schedule of one fine-tuning. The retain model trains for as many epochs as the other one.

    Attributes:
        forget: What is to be forgotten: "forget01", "forget05" or "forget10", or "alice".
        retain: Whether the model never sees it.
        epochs: Over which the learning rate falls.
        batch: Pairs in a batch.
        learning_rate: The highest one.
        weight_decay: AdamW's.
        layers: How many of the last layers learn, with the final norm; 0 for the whole model. A third of the layers takes half
            the time.
        seed: Draws the order of the pairs.
        most: The most pairs of each set; None for all.
    """

    forget: str = "forget10"
    retain: bool = False
    epochs: int = 12
    batch: int = 16
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    layers: int = 0
    seed: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a schedule that cannot be."""
        if min(self.epochs, self.batch) < 1 or self.learning_rate <= 0 or self.layers < 0:
            raise ValueError("epochs and batch are at least 1, learning_rate is above 0, layers is 0 or more")


METHODS = ("ga", "gd", "kl", "idk", "npo", "simnpo")
"""Gradient ascent; with a difference to what is kept; with a divergence from it; "I do not know"; NPO; SimNPO."""


@dataclass(frozen=True)
class Unlearning:
    """Schedule of unlearning by training.

    Attributes:
        method: One of `METHODS`.
        forget: What is to be forgotten: "forget01", "forget05" or "forget10".
        epochs: Over what is to be forgotten; TOFU takes five.
        batch: Pairs in a batch, and as many kept ones.
        learning_rate: The same throughout.
        weight_decay: AdamW's.
        seed: Draws the order, and the kept pairs.
        most: The most pairs of each set; None for all.
    """

    method: str
    forget: str = "forget10"
    epochs: int = 5
    batch: int = 8
    learning_rate: float = 1e-5
    weight_decay: float = 0.01
    seed: int = 0
    most: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a method or a schedule that cannot be."""
        if self.method not in METHODS:
            raise ValueError(f"there is no method {self.method!r}; there are {', '.join(METHODS)}")
        if min(self.epochs, self.batch) < 1 or self.learning_rate <= 0:
            raise ValueError("epochs and batch are at least 1, learning_rate is above 0")


@dataclass(frozen=True)
class Report:
    """What a training measured; written beside the model as training.json.

    Attributes:
        epochs: Epochs of training.
        tokens: Tokens read, without padding.
        seconds: Seconds of training, over all runs.
        loss: Mean over the answers' tokens of the last epoch, in nats.
        exact: By set, the share of questions that the saved weights answer exactly (greedy), from 0 to 1.
    """

    epochs: int
    tokens: int
    seconds: float
    loss: float
    exact: dict[str, float] = field(default_factory=dict)
