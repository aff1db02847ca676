"""The decode-time core: phrases that must not be said, and the masks that ban the tokens which would say them.

The core depends on numpy, numba and safetensors only. `guard.processors` connects it to engines.
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
