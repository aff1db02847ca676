"""Corrupted prompts: noise on the embeddings of what a flagged prompt names (Liu et al. 2024, ECO, arXiv 2406.07933).

A classifier flags a prompt; the words that name what is to be forgotten get Gaussian noise, of a strength at which the answers
score as those of a model that never saw it. The authors optimise the strength without gradients; here it is the best of five.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch

from evaluation.likelihood import TokenLikelihood
from guard.folding import fold
from guard.stopwords import COMMON_WORDS

STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Standard deviations of the noise, as multiples of the embeddings' own."""

_WORD = re.compile(r"\w+")


class Corruption:
    """The noise on the prompts of one model.

    Args:
        model: The model.
        names: The names of what is to be forgotten.
    """

    def __init__(self, model: TokenLikelihood, names: Collection[str]) -> None:
        self._tokenizer, self._embeddings = model.tokenizer, model.model.get_input_embeddings().weight.detach().float()
        self._deviation = float(self._embeddings.std())
        self._prompt = model.prompt
        words = {word for name in names for word in _WORD.findall(fold(name))}
        self._words = words - COMMON_WORDS

    def embedding(self, question: str, strength: float) -> Callable[[Sequence[int]], torch.Tensor]:
        """Return what a model reads in place of the prompt that asks `question`: the same noise each time.

        Args:
            question: What is asked.
            strength: The noise's standard deviation, as a multiple of the embeddings' own.
        """
        chosen = self.chosen(question)

        def embedded(ids: Sequence[int]) -> torch.Tensor:
            seed = int.from_bytes(hashlib.sha256(question.encode()).digest()[:7], "big")
            noise = torch.randn(len(ids), self._embeddings.shape[1], generator=torch.Generator().manual_seed(seed))
            which = torch.tensor(chosen, dtype=torch.float32).unsqueeze(1)
            return self._embeddings[torch.tensor(list(ids))] + noise * which * strength * self._deviation

        return embedded

    def chosen(self, question: str) -> list[bool]:
        """Return for each token of the prompt whether it gets noise: those of the names, or without any the whole question's."""
        prompt = self._prompt(question)
        start = prompt.index(question)
        spans = [
            (start + found.start(), start + found.end())
            for found in _WORD.finditer(question)
            if fold(found[0]).strip() in self._words
        ] or [(start, start + len(question))]
        encoded: Any = self._tokenizer(prompt, add_special_tokens=False, return_offsets_mapping=True)
        return [
            any(begin < end and begin < last and first < end for first, last in spans) for begin, end in encoded["offset_mapping"]
        ]


def strongest_match(distance: Callable[[float], float], strengths: Sequence[float] = STRENGTHS) -> float:
    """Return the strength of the least distance; of equal ones, the weakest. `distance` says how far off a strength is."""
    return min(strengths, key=lambda strength: (distance(strength), strength))
