"""Prompt time: is this text about a forget target?

Pure and synchronous: `build_classifier` compiles the targets once, `classify` answers for a batch of texts, and neither reads or
writes anything outside. torch and sentence-transformers are imported when a `SentenceEncoder` is made, not before.
"""

from classifiers.calibration.calibrator import Calibrator
from classifiers.calibration.limits import Calibration, GroupCalibration
from classifiers.ensemble import EnsembleClassifier, build_classifier
from classifiers.head.classifier import HeadClassifier
from classifiers.live import LivingClassifier
from classifiers.meaning.background import full_background, shipped_background
from classifiers.meaning.encoder import CachedEncoder, Encoder, EncoderError, SentenceEncoder
from classifiers.meaning.nearest import Conflict, NearestClassifier, Thresholds
from classifiers.naming.alias import AliasClassifier
from classifiers.proposals.extract import Candidate, extract
from classifiers.proposals.frequency import BackgroundFrequency
from classifiers.protocol import Classifier, Match, Screened
from classifiers.reading.windows import windows
from classifiers.target import Example, ForgetTarget
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
