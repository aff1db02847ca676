"""Decode time: what may not be said, and the masks that keep it unsaid.

The core needs numpy, numba and safetensors alone; `guard.processors` plugs it into engines.
"""

from guard.ban import Ban
from guard.decoding.batch import Batch
from guard.decoding.cursor import Cursor
from guard.decoding.edits import Edits
from guard.decoding.library import Library
from guard.decoding.masks import Masks
from guard.decoding.row import Row
from guard.folding import StreamFolder, fold
from guard.matching.automaton import Automaton
from guard.matching.finder import Finder
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.tokens.tokenizers import vocabulary_of
from guard.tokens.vocabulary import Vocabulary

__all__ = [
    "Automaton",
    "Ban",
    "Batch",
    "Cursor",
    "Edits",
    "Finder",
    "Library",
    "Masks",
    "Phrase",
    "Restriction",
    "Row",
    "StreamFolder",
    "Vocabulary",
    "fold",
    "vocabulary_of",
]
