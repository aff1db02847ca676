"""The classifier that the server serves, for measurement: constructed and calibrated by the server's own code."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers import CachedEncoder, Encoder, ForgetTarget, LiveClassifier, Thresholds
from classifiers.calibration.limits import Calibration
from classifiers.meaning.background import Background
from classifiers.meaning.encoder import Vectors
from classifiers.multilingual.classifier import Multilingual
from classifiers.profile.classifier import ProfileClassifier
from server.policy.recalibration import Recalibration
from server.settings import Settings

MISS_RATE: float = Settings.model_fields["miss_rate"].default
JUDGE_DOUBT: float = Settings.model_fields["judge_doubt"].default


class Remembering:
    """An encoder that encodes no text twice, for measurements that classify and calibrate with the same texts again and again.

    A `CachedEncoder` would not do: calibration takes the encoder out of it.
    """

    def __init__(self, encoder: Encoder, capacity: int = 1 << 18) -> None:
        self._cached = CachedEncoder(encoder, capacity)
        self.dimension = encoder.dimension
        self.fingerprint = encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts: float32 [texts, dimension]."""
        return self._cached.encode(texts)


class Served:
    """Makes classifiers as a server with the same encoder, background and settings would hold them."""

    def __init__(
        self,
        background: Background,
        encoder: Encoder,
        miss_rate: float = MISS_RATE,
        thresholds: Thresholds | None = None,
        doubt: float = 0.0,
        multilingual: Multilingual | None = None,
    ) -> None:
        """Compute nothing yet.

        Args:
            background: The encoded innocent prompts. Those of the package are among them in a server.
            encoder: Encodes examples and prompts.
            miss_rate: The setting of the server; 0 switches calibration off.
            thresholds: The setting of the server; None for the defaults.
            doubt: As in `LiveClassifier`: 0 for a server without a judge.
            multilingual: As in `LiveClassifier`; None for a server that reads no other languages.
        """
        self.background = background
        self._encoder = encoder
        self._thresholds = thresholds or Thresholds()
        self._doubt = doubt
        self._multilingual = multilingual
        self._profiles = ProfileClassifier(encoder)
        self._recalibration = Recalibration(encoder, miss_rate, self._thresholds, background, self._profiles)

    def beside(self, background: Background) -> Served:
        """Return the same with another background, and without a calibration."""
        copy = object.__new__(Served)
        copy.__dict__.update(self.__dict__)
        copy.background = background
        return copy

    def uncalibrated(self, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return the classifier that a server holds from its start until its first calibration."""
        return LiveClassifier(
            targets,
            self.background,
            self._encoder,
            self._thresholds,
            doubt=self._doubt,
            profiles=self._profiles,
            multilingual=self._multilingual,
        )

    def calibrate(self, classifier: LiveClassifier, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return `classifier` with the limits that the server computes in the background for `targets`."""
        limits = self._recalibration.limits({target.id: target for target in targets})
        return classifier.limited(limits, self._recalibration.raised)

    def calibrated(self, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return the classifier that a server holds after its calibration."""
        return self.calibrate(self.uncalibrated(targets), targets)

    @property
    def calibration(self) -> Calibration | None:
        """What the server would report of its latest calibration; None before the first."""
        return self._recalibration.calibration
