"""How a tiny model is trained, and what a training measured. Standard library only: a cached model needs no more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Shape, schedule and goal of one training. The defaults are the demo model's.

    Training stops as soon as weights rounded to bfloat16 answer the share `exact` of the questions exactly; if `exact` is 1, the
    loss must also be at most `loss`, and every answer token must lead its best rival by `margin` logits. With `exact=None`, it
    trains all epochs. With `required`, missing the goal is an error.

    The margin is for the server, which computes in bfloat16, batches otherwise and so rounds otherwise: near 16, bfloat16 logits
    are 0.125 apart, so a margin of 2 is sixteen such steps.
    """

    vocabulary: int = 2048  # at most; fewer if the text has too few merges
    layers: int = 2
    width: int = 256
    head_dim: int = 64  # vLLM's attention on CPUs takes 32, 64, 80, 96, 112, 128, ...
    feed_forward: int = 768
    context: int = 2048  # tokens; longer than any example, so that the model computes long prompts at all
    epochs: int = 24  # over which the learning rate falls
    extra_epochs: int = 16  # at the lowest learning rate, if the goal is not reached by then
    batch_tokens: int = 768
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    variation: float = 0.35  # share of the questions worded otherwise in an epoch (see evaluation.tinylm.wording)
    paraphrases: bool = True  # train on the paraphrases too
    exact: float | None = 1.0
    loss: float = 0.02  # nats per token
    margin: float = 2.0
    required: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for an impossible shape or goal."""
        if self.width % self.head_dim or self.head_dim % 16:
            raise ValueError(f"width {self.width} must be a multiple of head_dim {self.head_dim}, and that one of 16")
        for field in ("layers", "width", "feed_forward", "context", "epochs", "batch_tokens"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field} must be at least 1")
        if self.extra_epochs < 0 or self.learning_rate <= 0 or not 0 <= self.variation < 1:
            raise ValueError("extra_epochs below 0, learning_rate not above 0 or variation outside [0, 1)")
        if self.exact is not None and not 0 < self.exact <= 1:
            raise ValueError("exact is a share above 0 and at most 1, or None")


@dataclass(frozen=True)
class TrainingReport:
    """What one training measured; written beside the model as training.json."""

    pairs: int
    questions: int  # all wordings of all pairs
    parameters: int
    vocabulary: int
    epochs: int
    steps: int
    tokens: int  # read in training, without padding
    seconds: float  # wall clock, without the measurement of the saved model
    cpu_seconds: float
    tokens_per_second: float
    threads: int
    autocast: bool  # whether training computed in bfloat16, as it does where the CPU has instructions for it
    loss: float  # mean over the answer tokens of the last epoch, in nats
    exact: float  # share of questions that the saved bfloat16 weights answer exactly, by one pass over the right answers
    margin: float  # smallest lead of a right token over its best rival, in logits; negative if an answer is wrong
    generated_exact: float | None  # the same share by generating; None if the recipe does not demand all
