"""How likely a text is as an answer of the unguarded model: sums of log-probabilities, by transformers."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Sequence

from tqdm import tqdm

from evaluation.likelihood import TokenLikelihood


class Likelihood(TokenLikelihood):
    """The unguarded model, which says how likely texts are. It loads the model when it is made."""

    def of(self, question: str, answer: str) -> tuple[float, int]:
        """Return the sum of the log-probabilities (natural) of the answer's tokens, and their number; (0, 0) of an empty one."""
        (found,) = self.tokens(question, [answer])
        return math.fsum(found), len(found)

    def all_of(self, asked: Sequence[tuple[str, str]], label: str) -> list[tuple[float, int]]:
        """Return `of` for each question and answer; progress goes to stderr."""
        return [self.of(question, answer) for question, answer in tqdm(asked, desc=label, file=sys.stderr)]


def written(answer: str, say: Collection[str]) -> str:
    """Return the text that the model wrote: the answer without the texts that the server put there."""
    for text in say:
        answer = answer.replace(text, "")
    return answer.strip()
