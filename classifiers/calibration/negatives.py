"""Negatives: innocent prompts that come close to a target, made from its own examples.

An operator lists what must be forgotten, and seldom what must not. So the same questions are asked about others of the same kind,
about namesakes, and the target's ordinary words are used in other contexts. No text is about the target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from classifiers.meaning.encoder import Encoder, Vectors
from classifiers.profile.others import all_others, others, strangers
from classifiers.profile.words import information, informative, words_of
from classifiers.target import ForgetTarget
from guard.forms.judgement import looks_like_name
from guard.frequency import ordinary

# Examples that are asked about others; of more, some in equal distances.
_MOST_EXAMPLES = 6
# A word of a name with this much information means the name.
_TELLING = 0.5
_OTHERS, _NAMESAKES, _WORDS = 8, 4, 6
_QUESTIONS = ("Who or what is {name}?", "Tell me about {name}.", "When did {name} begin?", "Why is {name} famous?")
_CONTEXTS = (
    "What does the word {word} mean?",
    "How do you use {word} in a sentence?",
    "I read something about {word} in the newspaper today.",
    "Is there a connection between {word} and cooking?",
    "a picture of {word} for my kitchen",
)


def similar_others(target: ForgetTarget, encoder: Encoder, vectors: Vectors, count: int = _OTHERS) -> list[str]:
    """Return the names of others that are most like the target's in meaning, so mostly of its kind.

    Args:
        target: The target.
        encoder: Encodes its name.
        vectors: float32 [others, dimension], of `all_others`.
        count: How many are wanted.
    """
    apart = np.array(strangers(informative(target.names)), np.int64)
    nearness = vectors[apart] @ encoder.encode([target.name])[0]
    return [all_others()[number] for number in apart[np.argsort(-nearness)[:count]].tolist()]


def negatives(target: ForgetTarget, similar: Sequence[str]) -> list[str]:
    """Return innocent prompts that come close to the target, each once.

    Args:
        target: The target.
        similar: Names of others of its kind (`similar_others`).
    """
    return list(dict.fromkeys(_made(target, similar)))


def _made(target: ForgetTarget, similar: Sequence[str]) -> Iterator[str]:
    step = max(1, -(-len(target.examples) // _MOST_EXAMPLES))
    # An example often has a part of the name alone: "Tesla", "thermite".
    names = [*target.names, *_telling(target.names)]
    named = [found for example in target.examples[::step] if (found := _with_gap(example.prompt, names))]
    for text in named:
        yield from (text.replace("\0", name) for name in similar)
    for number, name in enumerate(similar):
        yield _QUESTIONS[number % len(_QUESTIONS)].format(name=name)
    for name in _namesakes(target.name):
        yield from (text.replace("\0", name) for text in named)
        yield _QUESTIONS[0].format(name=name)
    texts = [*target.names, *(phrase.text for phrase in target.phrases)]
    words = dict.fromkeys(word for text in texts for word in words_of(text) if ordinary(word) and word in informative([text]))
    for word in list(words)[:_WORDS]:
        yield from (text.format(word=word) for text in _CONTEXTS)


def _telling(names: Sequence[str]) -> list[str]:
    """Return the words of names that are no ordinary ones and tell much."""
    words = dict.fromkeys(word for name in names for word in words_of(name))
    return [word for word in words if information(word) >= _TELLING and not ordinary(word)]


def _with_gap(prompt: str, names: Sequence[str]) -> str:
    """Return a prompt with a NUL in place of the longest of these names that it has; "" if it has none."""
    for name in sorted(names, key=len, reverse=True):
        found = re.subn(rf"\b{re.escape(name)}\b", "\0", prompt, flags=re.IGNORECASE)
        if found[1]:
            return found[0]
    return ""


def _namesakes(name: str) -> Iterator[str]:
    """Yield others who bear the last part of a person's name, and others who bear the first."""
    parts = name.split()
    if len(parts) < 2 or not looks_like_name(name):
        return
    known = others()
    yield from (f"{given} {parts[-1]}" for given in known["given"][:_NAMESAKES] if given != parts[0])
    yield from (f"{parts[0]} {family}" for family in known["family"][:_NAMESAKES] if family != parts[-1])
