"""Features: how well a prompt fits what is known about a target, as numbers that a linear model weighs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from classifiers.meaning.encoder import Vectors
from classifiers.naming.search import NO_DOUBT, Doubt
from classifiers.profile.profile import Profile
from classifiers.profile.words import information, informative, shared, stem, words_of
from classifiers.reading.kinds import KINDS, kinds_of
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

NAMES = (
    "ask",  # best cosine of a window with an example
    "ask lead",  # by how much it exceeds the best cosine with a background prompt
    "tell",  # best cosine with a completion, a document or a phrase
    "tell lead",
    "name",  # best cosine with a name
    "name lead",  # by how much it exceeds the best cosine with the name of somebody else
    "named words",  # information of the words of names in the prompt
    "fact words",
    "covered",  # the share of the prompt's information that the target's texts have
    "shared",  # the information that they have
    "shared words",  # the number of words that they have
    "foreign",  # information of capitalised words that they do not have: somebody else's name
    "doubtful",  # 1 if the name occurs, but may be an ordinary word
    "topic",  # 1 if all words of a name that is a description occur
    "tell lead squared",
    "ask x covered",
    "doubtful x name lead",
    "doubtful x tell lead",
    "doubtful x shared",
    "doubtful x foreign",
    "part",  # 1 if nothing of the name occurs but a surname or a given name that many people bear
    "person",  # 1 if the prompt speaks of such a surname as of a person
    "namesake",  # 1 if the name is in somebody else's longer name
    "small",  # 1 if the name is in small letters where capitals tell names
    "doubtful x kind",  # 1 if the prompt and the target's texts speak about the same kind of thing
    "doubtful x other kind",  # 1 if they speak about different ones
)
# Above these values more of a kind of evidence is no more evidence.
_MOST_NAMED, _MOST_FACTS, _MOST_SHARED, _MOST_COUNT, _MOST_FOREIGN = 1.5, 2.0, 3.0, 4, 2.0
_LEAST_TOTAL = 0.5
_TELLING = 0.4
_LEAST_FOREIGN = 0.3
# In a text with more capitalised words than this, capitals do not tell names apart (titles, German).
_MOST_CAPITALS = 0.6

_KIND_WORDS = frozenset[str]().union(*KINDS.values())
_TOKEN = re.compile(r"[^\W_](?:[\w'\u2019.&-]*[^\W_])?")
_ENDS = frozenset(".!?:")


@dataclass(frozen=True)
class Window:
    """A window of a prompt: its words and its vector, read once for all targets that it is compared with.

    Attributes:
        told: its telling stems, each with its information.
        capitals: the stems of capitalised words that may be names.
        vector: float32 [dimension].
        background: its best cosine with a background prompt.
        others: float32 [others], its cosines with the names of `all_others`.
        text: the window.
    """

    told: dict[str, float]
    capitals: dict[str, float]
    vector: Vectors
    background: float
    others: Vectors
    text: str = field(repr=False)

    @classmethod
    def of(cls, text: str, vector: Vectors, background: float, others: Vectors) -> Window:
        """Read the words of a window."""
        return cls(informative([text]), _capitals(text), vector, background, others, text)

    @cached_property
    def kind_words(self) -> frozenset[str]:
        """Its folded words that go with a kind of thing (`classifiers.reading.kinds`), asked for where a name is in doubt."""
        return _KIND_WORDS.intersection(fold(self.text).split())


def _capitals(text: str) -> dict[str, float]:
    """Return the stems of capitalised words that do not begin a sentence, with their information; {} if capitals tell nothing."""
    tokens = list(_TOKEN.finditer(text))
    capitals = [token[0][:1].isupper() for token in tokens]
    if not capitals or sum(capitals) > _MOST_CAPITALS * len(capitals):
        return {}
    found: dict[str, float] = {}
    for token, capital in zip(tokens, capitals, strict=True):
        begins = not token.start() or text[: token.start()].rstrip()[-1:] in _ENDS
        if capital and not begins:
            for word in words_of(token[0])[:1]:
                if word not in COMMON_WORDS:
                    found[stem(word)] = max(_LEAST_FOREIGN, information(word))
    return found


def _best(vectors: Vectors, window: Vectors) -> float:
    """Return the best cosine of a window with any of `vectors`; 0 if there are none."""
    return float((vectors @ window).max()) if len(vectors) else 0.0


def features(window: Window, profile: Profile, vectors: Vectors, doubt: Doubt = NO_DOUBT) -> Vectors:
    """Return the features of a window and a target, in the order of `NAMES`: float32 [features].

    Args:
        window: A window of a prompt.
        profile: The target.
        vectors: float32 [texts, dimension], of `profile.texts()`.
        doubt: What in the prompt may be the target's name.
    """
    asks, tells = len(profile.asks), len(profile.tells)
    ask = _best(vectors[:asks], window.vector)
    tell = _best(vectors[asks : asks + tells], window.vector)
    name = _best(vectors[asks + tells :], window.vector)
    tell_lead = tell - window.background
    name_lead = name - float(window.others[profile.strangers].max())
    known = shared(window.told, profile.known)
    covered = known / max(sum(window.told.values()), _LEAST_TOTAL)
    count = sum(profile.known.get(word, 0.0) > _TELLING for word in window.told)
    foreign = min(_MOST_FOREIGN, sum(told for word, told in window.capitals.items() if word not in profile.known))
    kinds = kinds_of(window.kind_words, profile.name_words) if doubt.named else frozenset()
    same = not kinds.isdisjoint(profile.kinds)
    hinted = (max(name_lead, -0.3), tell_lead, min(known, 2.0), foreign)
    found = (
        ask,
        ask - window.background,
        tell,
        tell_lead,
        name,
        name_lead,
        min(_MOST_NAMED, shared(window.told, profile.named)),
        min(_MOST_FACTS, shared(window.told, profile.facts)),
        covered,
        min(_MOST_SHARED, known),
        min(_MOST_COUNT, count),
        foreign,
        doubt.named,
        any(topic and topic <= window.told.keys() for topic in profile.topics),
        max(0.0, tell_lead) ** 2,
        ask * covered,
        *(doubt.named * value for value in hinted),
        doubt.part,
        doubt.person,
        doubt.namesake,
        doubt.small,
        doubt.named * same,
        doubt.named * bool(kinds and not same),
    )
    return np.array(found, np.float32)
