"""How a tiny model is trained, and what came of it. Standard library only, so that asking for a cached model stays quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Shape, schedule and goal of one training. The defaults are the demo model's.

    Goal: training stops as soon as the share of questions answered exactly, by weights rounded to bfloat16, reaches `exact`
    (and, when that is 1, the loss is at most `loss` and every answer token leads its best rival by `margin` logits). A server
    computes in bfloat16, batches differently and so rounds differently; near 16 a bfloat16 logit has steps of 0.125, so a
    margin of 2 is sixteen of them. `exact=None` trains all epochs. With `required`, missing the goal is an error.
    """

    vocabulary: int = 2048  # at most; fewer entries when the text has no more merges to give
    layers: int = 2
    width: int = 256
    head_dim: int = 64  # vLLM's attention on CPUs takes 32, 64, 80, 96, 112, 128, ...
    feed_forward: int = 768
    context: int = 2048  # tokens; longer than anything trained on, so that long prompts are at least computed
    epochs: int = 24  # over which the learning rate falls
    extra_epochs: int = 16  # at the lowest learning rate, if the goal is not reached by then
    batch_tokens: int = 768
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    variation: float = 0.35  # share of the questions sent in another way (see evaluation.tinylm.wording), drawn anew every epoch
    paraphrases: bool = True  # train on the paraphrases too
    exact: float | None = 1.0
    loss: float = 0.02  # nats a token
    margin: float = 2.0
    required: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError on a shape or a goal that cannot be."""
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
    questions: int  # pairs times their wordings
    parameters: int
    vocabulary: int
    epochs: int
    steps: int
    tokens: int  # trained on, padding not counted
    seconds: float  # of training, wall clock; confirmation of the saved model not counted
    cpu_seconds: float
    tokens_per_second: float
    threads: int
    autocast: bool  # whether the CPU computes in bfloat16 natively, and training did
    loss: float  # mean over the answer tokens of the last epoch, in nats
    exact: float  # share of questions answered exactly by the saved bfloat16 weights, teacher-forced
    margin: float  # smallest lead of a right token over its best rival, in logits; negative when an answer is wrong
    generated_exact: float | None  # the same share by really generating; None when the recipe does not demand all
