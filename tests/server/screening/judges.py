"""Stand-ins: an application that answers with given alternatives for the first token, and a judge that knows the answers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from server.screening.judge import JudgeFailure, Question


def listed(alternatives: Mapping[str, float]) -> dict[str, Any]:
    """Return the `logprobs` of a chat answer, in vLLM's form, with these probabilities."""
    top = [{"token": token, "logprob": math.log(p) if p else -9999.0, "bytes": None} for token, p in alternatives.items()]
    return {"content": [{**top[0], "top_logprobs": top}]}


class FakeChat:
    """An engine's application that answers chat completions with `alternatives`, and keeps what it was sent.

    `status` makes it fail, `waits` makes it answer late, `raises` makes it break, `answer` replaces the whole answer.
    """

    def __init__(self, alternatives: Mapping[str, float] | None = None) -> None:
        self.alternatives = alternatives or {"Yes": 0.9, "No": 0.1}
        self.status = 200
        self.waits = 0.0
        self.raises = False
        self.answer: Any = None
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])

    def read(self, body: dict[str, Any]) -> None:
        """Read a question before it is answered."""

    async def _chat(self, request: Request) -> Response:
        self.bodies.append(await request.json())
        self.read(self.bodies[-1])
        self.keys.append(request.headers.get("authorization"))
        if self.raises:
            raise RuntimeError("it broke on a secret prompt")
        await asyncio.sleep(self.waits)
        choice = {"index": 0, "message": {"role": "assistant", "content": "Yes"}, "logprobs": listed(self.alternatives)}
        return JSONResponse(self.answer if self.answer is not None else {"choices": [choice]}, self.status)


class KnowingJudge:
    """Gives the probability that it knows for a target's name, fails as it is told, and keeps the questions."""

    def __init__(self, known: Mapping[str, float | JudgeFailure]) -> None:
        self.known = known
        self.questions: list[Question] = []
        self.most_at_once = 0
        self._at_once = 0

    async def probability(self, question: Question) -> float:
        self.questions.append(question)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        answer = self.known[question.name]
        if isinstance(answer, JudgeFailure):
            raise answer
        return answer

    async def close(self) -> None:
        pass
