"""Prompt time: is this text about a forget target?

Pure and synchronous: `build_classifier` compiles the targets once, `classify` answers for a batch of texts, and neither reads or
writes anything outside. torch and sentence-transformers are imported when a `SentenceEncoder` is made, not before.
"""

from classifiers.alias import AliasClassifier
from classifiers.background import shipped_background
from classifiers.calibration import Calibration, GroupCalibration
from classifiers.calibrator import Calibrator
from classifiers.encoder import CachedEncoder, Encoder, EncoderError, SentenceEncoder
from classifiers.ensemble import EnsembleClassifier, build_classifier, full_background
from classifiers.frequency import BackgroundFrequency
from classifiers.head import HeadClassifier
from classifiers.living import LivingClassifier
from classifiers.nearest import Conflict, NearestClassifier, Thresholds
from classifiers.phrases import Candidate, extract
from classifiers.target import Example, ForgetTarget
from classifiers.types import Classifier, Match, Screened
from classifiers.windows import windows
from guard.phrase import Phrase

__all__ = [
    "AliasClassifier",
    "BackgroundFrequency",
    "CachedEncoder",
    "Calibration",
    "Calibrator",
    "Candidate",
    "Classifier",
    "Conflict",
    "Encoder",
    "EncoderError",
    "EnsembleClassifier",
    "Example",
    "ForgetTarget",
    "GroupCalibration",
    "HeadClassifier",
    "LivingClassifier",
    "Match",
    "NearestClassifier",
    "Phrase",
    "Screened",
    "SentenceEncoder",
    "Thresholds",
    "build_classifier",
    "extract",
    "full_background",
    "shipped_background",
    "windows",
]
