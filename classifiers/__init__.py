"""Prompt time: is this text about a forget target?

`LiveClassifier` is what the server decides with. It is synchronous: constructing it compiles the targets, and `classify` answers
for a batch of texts without side effects. Importing the package is cheap: torch and sentence-transformers are imported when a
`SentenceEncoder` is constructed.
"""

from classifiers.calibration.calibrator import Calibrator
from classifiers.calibration.limits import Calibration, GroupCalibration
from classifiers.head.classifier import HeadClassifier
from classifiers.live import LiveClassifier
from classifiers.meaning.background import shipped_background
from classifiers.meaning.encoder import CachedEncoder, Encoder, EncoderError, SentenceEncoder
from classifiers.meaning.nearest import NearestClassifier, Thresholds
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
    "Encoder",
    "EncoderError",
    "Example",
    "ForgetTarget",
    "GroupCalibration",
    "HeadClassifier",
    "LiveClassifier",
    "Match",
    "NearestClassifier",
    "Phrase",
    "Screened",
    "SentenceEncoder",
    "Thresholds",
    "extract",
    "shipped_background",
    "windows",
]
