"""Decode time: what may not be said, and the masks that keep it unsaid.

The core needs numpy, numba and safetensors alone; `guard.processors` plugs it into engines.
"""

from guard.automaton import Automaton
from guard.ban import Ban
from guard.batch import Batch
from guard.cursor import Cursor
from guard.edits import Edits
from guard.finder import Finder
from guard.folding import StreamFolder, fold
from guard.library import Library
from guard.masks import Masks
from guard.phrase import Phrase
from guard.restriction import Restriction
from guard.rows import Row
from guard.tokenizers import vocabulary_of
from guard.vocabulary import Vocabulary

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
