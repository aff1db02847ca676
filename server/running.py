"""What a request works with, once the guard is proven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from classifiers import Encoder, Thresholds
from classifiers.calibration.limits import Calibration
from classifiers.meaning.background import Background
from guard import Vocabulary
from server.engine.protocol import Engine
from server.http.authentication import Authenticator
from server.http.body import BodyLimits
from server.policy.activation import Activation
from server.policy.enforcement import Enforcement
from server.policy.preview import Previewer
from server.policy.recalibration import Recalibration
from server.screening.decisionlog import DecisionLog
from server.screening.screener import Screener
from server.store import Database
from server.store.audit.log import Audit


@dataclass(frozen=True)
class ApiContext:
    """Everything behind the routes, once the server runs.

    `background` are the innocent prompts, the operator's and those that come with the package. `restrictions` is the
    folder of compiled restrictions. `vocabulary` gives the model's, for counting tokens, and `calibration` what is in force; each
    None where there is none.
    """

    database: Database
    activation: Activation
    authenticator: Authenticator
    audit: Audit
    encoder: Encoder
    restrictions: Path
    decisions: DecisionLog
    background: Background
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: BodyLimits = field(default_factory=BodyLimits)
    vocabulary: Callable[[], Vocabulary | None] = lambda: None
    calibration: Callable[[], Calibration | None] = lambda: None

    @cached_property
    def previewer(self) -> Previewer:
        """What previews targets; made when the first is asked for."""
        return Previewer(self.background, self.encoder, self.thresholds, self.vocabulary)


@dataclass(frozen=True, slots=True)
class Running:
    """What a request needs; there only once the guard is proven."""

    engine: Engine
    activation: Activation
    decisions: DecisionLog
    recalibration: Recalibration
    model: str

    @property
    def enforcement(self) -> Enforcement:
        """What is enforced."""
        return self.activation.enforcement

    @property
    def screener(self) -> Screener:
        """The screener of the snapshot in force."""
        return self.enforcement.screener
