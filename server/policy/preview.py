"""The preview of a target: what it would ban, what its examples suggest, and how often it would be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classifiers import AliasClassifier, Encoder, ForgetTarget, Screened, Thresholds
from classifiers.meaning.background import Background, prompt_key
from classifiers.meaning.nearest import conformity, example_vectors
from classifiers.meaning.neighbours import Neighbours
from classifiers.proposals.extract import extract
from classifiers.proposals.frequency import BackgroundFrequency
from classifiers.semantic import Near
from guard import Masks, Phrase, Restriction, Vocabulary


@dataclass(frozen=True, slots=True)
class Shown:
    """A phrase that a target bans, or a phrase that is proposed for it.

    Attributes:
        phrase: the phrase.
        reason: "explicit", "name", the kind of the form that it is, or why `extract` proposes it.
        form_of: the phrase that it is a form of; None if it is no form.
        source: where a proposed phrase comes from, such as `examples[3]`; None for a phrase of the target.
        tokens: how many different tokens it bans; 0 unless the target's action bans phrases, None without a vocabulary.
        background: how many innocent prompts hold it.
    """

    phrase: Phrase
    reason: str
    form_of: Phrase | None
    source: str | None
    tokens: int | None
    background: int


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How many of `prompts` innocent prompts would be taken to be about the target: by name, by meaning, and either way."""

    prompts: int
    by_name: int
    by_meaning: int
    either: int


class Previewer:
    """Previews targets and keeps nothing of them. Its methods take long: call them from a thread.

    It counts the frequencies of the background's words once, when they are first needed.
    """

    def __init__(
        self,
        background: Background,
        encoder: Encoder,
        thresholds: Thresholds,
        vocabulary: Callable[[], Vocabulary | None],
        neighbours: Neighbours,
    ) -> None:
        self._background = background
        self._prompts = background.prompts
        self._encoder = encoder
        self._thresholds = thresholds
        self._vocabulary = vocabulary
        self._neighbours = neighbours

    def phrases(self, target: ForgetTarget, language: str = "en") -> list[Shown]:
        """Return the phrases that the target bans, forms included, then the proposed ones.

        Raises LookupError if `language` has no word list.
        """
        vocabulary = self._vocabulary()

        def shown(phrase: Phrase, reason: str, form_of: Phrase | None, source: str | None) -> Shown:
            tokens = None if vocabulary is None else banned_tokens(phrase, vocabulary) if target.action.bans else 0
            return Shown(phrase, reason, form_of, source, tokens, self._frequency.count(phrase.folded.split()))

        banned = [shown(one.phrase, one.reason, one.source, None) for one in target.banned()]
        proposed = extract(target, self._frequency, language=language)
        return banned + [shown(candidate.phrase, candidate.reason, None, candidate.source) for candidate in proposed]

    def words(self, target: ForgetTarget) -> list[Near]:
        """Return the target's anchors and the words near them, the nearest first; none unless its action bans phrases.

        Raises what `Neighbours.of` raises.
        """
        return self._neighbours.of([target]).get(target.id, []) if target.action.bans else []

    def false_alarms(self, target: ForgetTarget) -> FalseAlarms:
        """Return in how many innocent prompts the target would be found by a name or an example.

        Each prompt is compared with the background without itself. Prompts that are examples of the target are left out: they are
        not innocent. Raises what the encoder raises.
        """
        own = {prompt_key(example.prompt) for example in target.examples}
        background = self._background.without(own)
        innocent = np.array([prompt_key(prompt) not in own for prompt in self._prompts], bool)
        named = AliasClassifier([target]).classify([Screened.of(prompt) for prompt in self._prompts])
        by_name = np.array([any(match.certain for match in found) for found in named], bool) & innocent
        by_meaning = np.zeros(len(self._prompts), bool)
        if target.examples and len(background):
            # Encoded as the classifier encodes them.
            examples = example_vectors([target], self._encoder)[target.id]
            cosines = (background.vectors @ examples.T).max(axis=1)
            by_meaning[background.prompt_of[conformity(cosines, background.alone, self._thresholds) >= 0]] = True
        return FalseAlarms(int(innocent.sum()), int(by_name.sum()), int(by_meaning.sum()), int((by_name | by_meaning).sum()))

    @cached_property
    def _frequency(self) -> BackgroundFrequency:
        return BackgroundFrequency(self._prompts)


def banned_tokens(phrase: Phrase, vocabulary: Vocabulary) -> int:
    """Return how many different tokens the phrase bans: those that complete it, from any point in it."""
    automaton = Restriction.compile([phrase]).automaton
    masks = Masks(automaton, vocabulary)
    ids = [ban.ids for node in range(len(automaton.label)) for ban in masks.at(node)]
    soft = [ban.soft for node in range(len(automaton.label)) for ban in masks.at(node)]
    return len(np.unique(np.concatenate([np.empty(0, np.int64), *ids, *soft])))
