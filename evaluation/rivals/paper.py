"""GUARD as in its paper (Deng et al. 2025, arXiv 2505.13312): classifier, retrieval of the forbidden answer, beam search.

The classifier is `classifiers.head`, the retrieval is by the cosine of sentence embeddings, and the search is
`evaluation.baselines.guard_paper`. What is forbidden in an answer are the phrases of the retrieved answer and that answer itself.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from classifiers import ForgetTarget
from classifiers.meaning.encoder import SentenceEncoder
from evaluation.baselines.forbidden import End, Forbidden, letters_of
from evaluation.baselines.guard_paper import Pieces, generate_guarded, last_word
from evaluation.demo import contains_phrase
from evaluation.likelihood import TokenLikelihood

BETA, DELTA = 1.0, 0.5


@dataclass(frozen=True)
class Searched:
    """An answer of the beam search, and the seconds that it took beyond the model's own: matching and encoding words."""

    text: str
    matching_s: float
    steps: int


class Paper:
    """The method on one model.

    Args:
        model: The model.
        targets: What is to be forgotten: targets whose examples have completions.
        phrases: The forbidden phrases of each target by its id.
    """

    def __init__(self, model: TokenLikelihood, targets: Sequence[ForgetTarget], phrases: Mapping[str, Sequence[str]]) -> None:
        self._model, self._encode = model, SentenceEncoder().encode
        self._known = [(one.prompt, one.completion, phrases[target.id]) for target in targets for one in target.examples]
        self._vectors = self._encode([prompt for prompt, _, _ in self._known])
        self._forbidden: dict[int, Forbidden] = {}
        self._pieces = Pieces(model.tokenizer)

    def retrieved(self, question: str) -> Forbidden:
        """Return what an answer to the question must not say."""
        nearest = int((self._vectors @ self._encode([question])[0]).argmax())
        if nearest not in self._forbidden:
            _, answer, phrases = self._known[nearest]
            texts = [phrase for phrase in phrases if contains_phrase(answer, phrase)]
            self._forbidden[nearest] = Forbidden.of([*texts, answer], self._model.tokenizer, self._encode)
        return self._forbidden[nearest]

    def answers(self, questions: Sequence[str], tokens: int) -> list[Searched]:
        """Return an answer of at most `tokens` tokens to each question that the classifier has flagged."""
        found = []
        for question in tqdm(questions, desc="beam search", file=sys.stderr):
            prompt = self._model.prompt_ids(question)
            guard, model = self.retrieved(question), self._model
            result = generate_guarded(model.model, model.tokenizer, prompt, guard, self._encode, tokens, beta=BETA, delta=DELTA)
            found.append(Searched(result.text, result.seconds_matching, result.steps))
        return found

    def likelihood(self, question: str, answers: Sequence[str]) -> list[list[float]]:
        """Return the log probability of each answer's tokens less the search's penalty; impossible where it prunes.

        They are not normalised: the search compares sums of them, and so does this.
        """
        guard = self.retrieved(question)
        return [
            self._penalised(guard, self._model.tokenizer.encode(answer, add_special_tokens=False), row)
            for answer, row in zip(answers, self._model.tokens(question, answers), strict=True)
        ]

    def _penalised(self, guard: Forbidden, ids: Sequence[int], row: Sequence[float]) -> list[float]:
        ends: tuple[End, ...] = ()
        word, found = "", []
        for token, value in zip(ids, row, strict=True):
            ends, covered = guard.trie.follow(ends, token)
            word = last_word(word + self._pieces[token])
            letters = letters_of(word)
            near = guard.nearness([letters]).get(letters, 0.0)
            found.append(-math.inf if covered >= BETA or near >= DELTA else value - near)
        return found
