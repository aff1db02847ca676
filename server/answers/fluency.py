"""Fluency: whether a sentence that took another way still reads like one of the model's own.

An answer that must avoid what the model wants to say may end up in words that the model itself finds improbable. The measure is
the mean log probability of a sentence's tokens, as the engine samples them. The floor is what all but 1 % of the sentences reach
that the same model says without any restriction.
"""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp

from classifiers.reading.boundaries import sentence_starts
from server.engine.protocol import json_of

logger = logging.getLogger(__name__)

SENTENCES: Final = 24
"""How many texts are sampled to know how the model writes."""
_TOKENS: Final = 48
_FEWEST: Final = 16
"""The fewest sentences from which a floor is estimated."""
# The 1 % quantile of a normal distribution, in standard deviations below the mean: of a few dozen sentences, one cannot count it.
_QUANTILE: Final = 2.326


class Fluency:
    """The floor of one model. As long as it is not known, every sentence is fluent."""

    def __init__(self, floor: float | None = None, *, of: str = "", kept: Path | None = None) -> None:
        """Know a `floor`, or learn it later.

        Args:
            floor: The floor.
            of: The model's folder or its name on the hub.
            kept: A file that keeps what was learnt of a model.
        """
        self.floor = floor
        self._of = of
        self._kept = kept
        self._learnt = False

    def fluent(self, logprobs: Sequence[float]) -> bool:
        """Return whether a sentence with tokens of these log probabilities reads like one of the model's own."""
        return self.floor is None or not logprobs or statistics.fmean(logprobs) >= self.floor

    async def learn(self, app: ASGIApp, model: str, prompts: Sequence[str]) -> None:
        """Measure once how a model writes, unless the file tells it of an earlier time. It takes seconds.

        Args:
            app: The engine's application.
            model: The name under which it serves its model.
            prompts: Innocent prompts.

        Raises:
            EngineFailure: The engine does not answer.
            OSError: The file cannot be written.
        """
        if self._learnt:
            return
        known = self._read()
        if known is not None:
            self.floor, self._learnt = known, True
            return
        found = await asyncio.gather(*(_sentences(app, model, prompt) for prompt in prompts[:SENTENCES]))
        means = [mean for each in found for mean in each]
        self._learnt = True
        if len(means) < _FEWEST:
            logger.info("the fluency of answers is not checked: the model said %d sentences, %d are needed", len(means), _FEWEST)
            return
        self.floor = statistics.fmean(means) - _QUANTILE * statistics.stdev(means)
        if self._kept:
            self._kept.write_text(json.dumps({"model": self._of, "floor": self.floor, "sentences": len(means)}), "utf-8")

    def _read(self) -> float | None:
        """Return the floor that the file has for the model, None if it has none."""
        try:
            record = json.loads(self._kept.read_text("utf-8")) if self._kept else {}
            return float(record["floor"]) if record["model"] == self._of else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


async def _sentences(app: ASGIApp, model: str, prompt: str) -> list[float]:
    """Return the mean log probability of each whole sentence that the model says after a prompt."""
    # An empty list of restrictions: nothing is screened, because the server wrote the prompt itself.
    body = {
        "model": model,
        "prompt": prompt,
        "max_tokens": _TOKENS,
        "temperature": 1.0,
        "seed": None,
        "logprobs": 0,
        "vllm_xargs": {"guard": []},
    }
    answer = await json_of(app, "POST", "/v1/completions", body)
    (choice,) = answer["choices"]
    text, scores = choice["text"], choice["logprobs"]
    starts = sentence_starts(text)
    if choice["finish_reason"] != "length":
        starts = [*starts, len(text)]
    first = scores["text_offset"][0] if scores["text_offset"] else 0
    tokens = [(at - first, logprob) for at, logprob in zip(scores["text_offset"], scores["token_logprobs"], strict=True)]
    held = [[logprob for at, logprob in tokens if start <= at < end and logprob is not None] for start, end in pairwise(starts)]
    return [statistics.fmean(each) for each in held if len(each) > 2]
