"""What requests work with once the guard is proven: the API's routes with `ApiContext`, the rest with `Running`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from classifiers import Encoder, Thresholds
from classifiers.calibration.limits import Calibration
from classifiers.meaning.background import Background
from guard import Vocabulary
from server.answers.fluency import Fluency
from server.answers.leads import Leads
from server.engine.protocol import Engine
from server.http.admission import Admission
from server.http.authentication import Authenticator
from server.http.body import BodyLimits
from server.http.requestlimits import RequestLimits
from server.metrics import Metrics
from server.policy.activation import Activation
from server.policy.enforcement import Enforcement
from server.policy.hints.foretold import Foretelling
from server.policy.preview import Previewer
from server.policy.recalibration import Recalibration
from server.screening.decisionlog import DecisionLog
from server.screening.screener import Screener
from server.store import Database
from server.store.audit.log import Audit


@dataclass(frozen=True)
class ApiContext:
    """What the API's routes work with.

    `background` holds the innocent prompts, the operator's and the package's own. `restrictions` is the folder of compiled
    restrictions. `vocabulary` returns the model's vocabulary, to count tokens with, and `calibration` the calibration in force;
    each returns None if there is none. `foretelling` tells what detection of a target would miss; None: nothing tells that.
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
    metrics: Metrics = field(default_factory=Metrics)
    limits: BodyLimits = field(default_factory=BodyLimits)
    admission: Admission = field(default_factory=lambda: Admission(256, 256))
    request_limits: RequestLimits = field(default_factory=RequestLimits)
    vocabulary: Callable[[], Vocabulary | None] = lambda: None
    calibration: Callable[[], Calibration | None] = lambda: None
    foretelling: Foretelling | None = None

    @cached_property
    def previewer(self) -> Previewer:
        """The previewer of targets, made for the first preview."""
        return Previewer(self.background, self.encoder, self.thresholds, self.vocabulary, self.activation.enforcement.neighbours)


@dataclass(frozen=True)
class Running:
    """What every request needs: the engine, the name of its model, and what the API's routes use.

    It exists only once the guard is proven.
    """

    engine: Engine
    model: str
    recalibration: Recalibration
    api: ApiContext
    fluency: Fluency = field(default_factory=Fluency)

    @cached_property
    def leads(self) -> Leads:
        """What the engine's vocabulary tells about the end of an answer."""
        return Leads(self.engine.tokens())

    @property
    def activation(self) -> Activation:
        """What brings the store's targets into force."""
        return self.api.activation

    @property
    def decisions(self) -> DecisionLog:
        """The log of decisions."""
        return self.api.decisions

    @property
    def enforcement(self) -> Enforcement:
        """What is enforced."""
        return self.activation.enforcement

    @property
    def screener(self) -> Screener:
        """The screener of the snapshot in force."""
        return self.enforcement.screener
