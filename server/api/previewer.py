"""What a target would do, before it is stored: what it bans, what its examples suggest, and how often it would be wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classifiers import AliasClassifier, Encoder, ForgetTarget, Screened, Thresholds, windows
from classifiers.encoder import Vectors
from classifiers.ensemble import full_background
from classifiers.frequency import BackgroundFrequency
from classifiers.nearest import Background, prompt_key, slack
from classifiers.phrases import extract
from guard import Phrase, Vocabulary
from server.preview import banned_tokens


@dataclass(frozen=True, slots=True)
class Shown:
    """A phrase that a target bans, or one that is proposed for it, from `source` (`examples[3]`).

    `reason`: "explicit", "name", or why `extract` proposes it. `tokens`: how many different tokens it bans, None without a
    vocabulary. `background`: how many innocent prompts hold it.
    """

    phrase: Phrase
    reason: str
    source: str | None
    tokens: int | None
    background: int


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Of `prompts` innocent prompts, how many would count as being about the target: by name, and by meaning."""

    prompts: int
    by_name: int
    by_meaning: int
    either: int


class Previewer:
    """Looks at targets one at a time, and keeps nothing of them.

    What is the same for all, the background's vectors and frequencies, is computed once, when it is first needed. Its methods
    take long: call them from a thread.
    """

    def __init__(
        self, background: Sequence[str], encoder: Encoder, thresholds: Thresholds, vocabulary: Callable[[], Vocabulary | None]
    ) -> None:
        """`background` are the operator's innocent prompts; those that come with the package are added."""
        self._prompts = list(dict.fromkeys(full_background(background)))
        self._encoder = encoder
        self._thresholds = thresholds
        self._vocabulary = vocabulary

    def phrases(self, target: ForgetTarget, language: str = "en") -> list[Shown]:
        """Return what the target bans, then what is proposed for it. Raises LookupError for a language without a word list."""
        vocabulary = self._vocabulary()
        explicit = len(dict.fromkeys(target.phrases))

        def shown(phrase: Phrase, reason: str, source: str | None) -> Shown:
            tokens = None if vocabulary is None else banned_tokens(phrase, vocabulary)
            return Shown(phrase, reason, source, tokens, self._frequency.count(phrase.folded.split()))

        banned = [
            shown(phrase, "explicit" if index < explicit else "name", None) for index, phrase in enumerate(target.all_phrases())
        ]
        proposed = extract(target, self._frequency, language=language)
        return banned + [shown(candidate.phrase, candidate.reason, candidate.source) for candidate in proposed]

    def false_alarms(self, target: ForgetTarget) -> FalseAlarms:
        """Return in how many innocent prompts the target would be found, each compared with the background without itself.

        Examples of the target that the background holds, too, are left out: they are not innocent. Raises what the encoder
        raises.
        """
        examples = [piece for example in target.examples for piece in windows(example.prompt)]
        own = {prompt_key(example.prompt) for example in target.examples}
        background = self._background.without(own)
        innocent = np.array([prompt_key(prompt) not in own for prompt in self._prompts], bool)
        named = AliasClassifier([target]).classify([Screened.of(prompt) for prompt in self._prompts])
        by_name = np.array([bool(found) for found in named], bool) & innocent
        by_meaning = np.zeros(len(self._prompts), bool)
        if examples and len(background):
            cosines = (background.vectors @ self._encoder.encode(examples).T).max(axis=1)
            alone = self._alone if background is self._background else _nearest_other(background)
            by_meaning[background.prompt_of[slack(cosines, alone, self._thresholds) >= 0]] = True
        return FalseAlarms(int(innocent.sum()), int(by_name.sum()), int(by_meaning.sum()), int((by_name | by_meaning).sum()))

    @cached_property
    def _frequency(self) -> BackgroundFrequency:
        return BackgroundFrequency(self._prompts)

    @cached_property
    def _background(self) -> Background:
        return Background(self._prompts, self._encoder)

    @cached_property
    def _alone(self) -> Vectors:
        return _nearest_other(self._background)


def _nearest_other(background: Background) -> Vectors:
    """Return the best cosine of each window with one of another prompt: float32 [windows]; -1 where there is none."""
    best = np.full(len(background), -1.0, np.float32)
    for at, (vector, prompt) in enumerate(zip(background.vectors, background.prompt_of, strict=True)):
        others = background.prompt_of != prompt
        if others.any():
            best[at] = (background.vectors @ vector)[others].max()
    return best
