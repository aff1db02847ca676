"""The classifier that the server serves, for measurement: constructed and calibrated by the server's own code."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers import Encoder, ForgetTarget, LiveClassifier, Thresholds
from classifiers.meaning.background import Background
from classifiers.profile.classifier import ProfileClassifier
from server.policy.recalibration import Recalibration
from server.settings import Settings

MISS_RATE: float = Settings.model_fields["miss_rate"].default


class Served:
    """Makes classifiers as a server with the same encoder, background and settings would hold them."""

    def __init__(
        self,
        background: Background,
        encoder: Encoder,
        miss_rate: float = MISS_RATE,
        thresholds: Thresholds | None = None,
    ) -> None:
        """Compute nothing yet.

        Args:
            background: The encoded innocent prompts. Those of the package are among them in a server.
            encoder: Encodes examples and prompts.
            miss_rate: The setting of the server; 0 switches calibration off.
            thresholds: The setting of the server; None for the defaults.
        """
        self.background = background
        self._encoder = encoder
        self._thresholds = thresholds or Thresholds()
        self._profiles = ProfileClassifier(encoder)
        self._recalibration = Recalibration(encoder, miss_rate, self._thresholds, background, self._profiles)

    def uncalibrated(self, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return the classifier that a server holds from its start until its first calibration."""
        return LiveClassifier(targets, self.background, self._encoder, self._thresholds, profiles=self._profiles)

    def calibrate(self, classifier: LiveClassifier, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return `classifier` with the limits that the server computes in the background for `targets`."""
        limits = self._recalibration.limits({target.id: target for target in targets})
        return classifier.limited(limits, self._recalibration.raised)

    def calibrated(self, targets: Sequence[ForgetTarget]) -> LiveClassifier:
        """Return the classifier that a server holds after its calibration."""
        return self.calibrate(self.uncalibrated(targets), targets)
