"""Judging: what becomes of matches that are not certain. A judge confirms or drops each; where it fails, the match counts.

A prompt in doubt is one that the classifiers alone would let pass if there were no judge. So a judge that fails blocks too much
rather than too little, and a counter tells how often.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from starlette.types import ASGIApp

from classifiers import ForgetTarget, Match
from server.metrics import Metrics
from server.screening.judge import Judge, JudgeFailure, ModelJudge, Question, RemoteJudge
from server.settings import Settings

logger = logging.getLogger(__name__)

MOST_QUESTIONS: Final = 4
"""The most questions about one request. The matches with the best scores are asked about; the others count."""
_CONTROLS: Final = (Question("How is tea made?", "tea"), Question("Who was the first man on the Moon?", "tea"))
"""Two questions that no useful judge gets wrong: the answer to the first is yes, that to the second is no."""
_START_S: Final = 60.0
"""Seconds that the first question may take: an engine may compile something for it."""


class Judging:
    """Has a judge decide about the matches of a request that are not certain."""

    def __init__(self, judge: Judge, yes: float, timeout_s: float, metrics: Metrics) -> None:
        """Ask nothing yet.

        Args:
            judge: The judge.
            yes: The probability of yes from which on a match counts.
            timeout_s: Seconds that a question may take.
            metrics: Count the answers.
        """
        self._judge = judge
        self._yes = yes
        self._timeout_s = timeout_s
        self._metrics = metrics

    async def check(self) -> None:
        """Ask two easy questions, and log a warning if an answer is wrong.

        Raises:
            JudgeFailure: The judge gives no probability.
        """
        about, other = [await self._asked(question, _START_S) for question in _CONTROLS]
        if not about >= self._yes > other:
            logger.warning(
                "the judge is of little use: it gives 'How is tea made?' the probability %.2f of being about tea, and 'Who was "
                "the first man on the Moon?' %.2f; GUARD_JUDGE_YES (%g) should lie between them. Choose a larger model",
                *(about, other, self._yes),
            )

    async def settled(
        self, matches: Sequence[Match], targets: Mapping[str, ForgetTarget], passages: Mapping[str, str]
    ) -> list[Match]:
        """Return the certain matches and those that the judge confirms, in their order. All of them are certain.

        The evidence of a match that was in doubt is `judge:0.83`, with the probability of yes, or says why it counts without
        an answer: `judge:timeout`, `judge:error`, `judge:unusable`, or `judge:unasked` beyond `MOST_QUESTIONS` and without a
        passage.

        Args:
            matches: What was found in a request, the best first.
            targets: The targets by id.
            passages: What the judge is shown of the request, by the id of the target.
        """
        doubtful = sorted((match for match in matches if not match.certain), key=lambda match: -match.score)
        asked = [match for match in doubtful if match.target_id in passages][:MOST_QUESTIONS]
        questions = [_question(targets[match.target_id], passages[match.target_id]) for match in asked]
        answers = await asyncio.gather(*(self._evidence(question) for question in questions))
        evidence = {match.target_id: found for match, found in zip(asked, answers, strict=True)}
        for match in doubtful:
            if match.target_id not in evidence:
                evidence[match.target_id] = "judge:unasked"
                self._metrics.judged("unasked")
        found = []
        for match in matches:
            told = match.evidence if match.certain else evidence[match.target_id]
            if told is not None:
                found.append(replace(match, evidence=told, certain=True))
        return found

    async def _evidence(self, question: Question) -> str | None:
        """Return the evidence of a match that the judge confirms or cannot decide; None if it says no."""
        started = time.perf_counter()
        try:
            probability = await self._asked(question, self._timeout_s)
        except JudgeFailure as failure:
            logger.warning("the judge did not decide, so the prompt counts as about the target: %s", failure)
            self._metrics.judged(failure.kind, time.perf_counter() - started)
            return f"judge:{failure.kind}"
        confirmed = probability >= self._yes
        self._metrics.judged("yes" if confirmed else "no", time.perf_counter() - started)
        return f"judge:{probability:.2f}" if confirmed else None

    async def _asked(self, question: Question, timeout_s: float) -> float:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._judge.probability(question)
        except TimeoutError:
            raise JudgeFailure("timeout", f"it did not answer within {timeout_s:g} s") from None


def _question(target: ForgetTarget, passage: str) -> Question:
    return Question(passage, target.name, target.examples[0].prompt if target.examples else None)


@asynccontextmanager
async def open_judging(
    settings: Settings, key: str | None, app: ASGIApp, model: str, metrics: Metrics
) -> AsyncIterator[Judging | None]:
    """Yield what asks the judge that the settings name, None if they name none. It has been checked.

    Args:
        settings: The settings.
        key: The key of a judge behind a URL (`Settings.judge_key`); None for none.
        app: The engine's application.
        model: The name under which it serves its model.
        metrics: Count the answers.

    Raises:
        RuntimeError: The served model is the judge and does not answer yes or no. A judge behind a URL may be away when the
            server starts: the log tells it, and prompts in doubt count as about their targets until it answers.
    """
    if settings.judge == "off":
        yield None
        return
    judge: Judge
    if settings.judge == "model":
        judge = ModelJudge(app, model)
    else:
        judge = RemoteJudge(settings.judge, settings.judge_model or "", key, settings.judge_timeout)
    try:
        judging = Judging(judge, settings.judge_yes, settings.judge_timeout, metrics)
        try:
            await judging.check()
        except JudgeFailure as failure:
            if settings.judge == "model":
                raise RuntimeError(
                    f"the served model cannot be the judge: {failure}. Choose an instruct model with a chat template that "
                    "answers at once, set GUARD_JUDGE to the URL of another model, or to off"
                ) from None
            logger.warning("the judge does not answer, so prompts in doubt count as about their targets: %s", failure)
        yield judging
    finally:
        await judge.close()
