"""Asks the same engine each question twice: without the guard and with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table

from server.engine.protocol import json_of
from server.openai.chat import CHAT
from server.openai.route import GuardedRoute
from server.service import Service

_TOKENS = 96


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question, the engine's greedy answer without the guard, the server's with it, and the second's finish reason."""

    question: str
    unguarded: str
    guarded: str
    finish_reason: str

    @property
    def outcome(self) -> Literal["unchanged", "suppressed", "abstained"]:
        """What the guard did: nothing, or it changed the answer, or it ended it and said the policy's text, as a refusal does."""
        if self.finish_reason == "content_filter":
            return "abstained"
        return "unchanged" if self.guarded == self.unguarded else "suppressed"


async def compare_all(service: Service, questions: Sequence[str]) -> list[Comparison]:
    """Compare the answers to questions, all at once; see `compare`.

    How the engine rounds depends on what else is in the batch, and may decide between two tokens that are as likely. So a pair of
    answers that differ is asked for again, each alone: what differs then, the guard has changed.
    """
    found = await asyncio.gather(*(compare(service, question) for question in questions))
    return [await compare(service, one.question) if one.outcome == "suppressed" else one for one in found]


async def compare(service: Service, question: str) -> Comparison:
    """Send `question` to the engine itself and through the guard. No API key is needed within this process.

    Raises:
        EngineFailure: one of the two gave no answer.
    """
    running = service.running
    body = {
        "model": running.model,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": _TOKENS,
    }
    free = await json_of(running.engine.app, "POST", CHAT.path, {**body, "vllm_xargs": {"guard": []}})
    held = await json_of(GuardedRoute(service, CHAT, guarded=False), "POST", CHAT.path, body)
    unguarded, guarded = free["choices"][0], held["choices"][0]
    return Comparison(
        question, unguarded["message"]["content"] or "", guarded["message"]["content"] or "", guarded["finish_reason"]
    )


def table(comparisons: list[Comparison]) -> Table:
    """Return the comparisons as a table for a terminal, side by side."""
    shown = Table(title="The same model, without and with the guard", show_lines=True, expand=True)
    for heading, ratio in (("question", 4), ("without", 6), ("with", 6)):
        shown.add_column(heading, ratio=ratio)
    shown.add_column("guard", no_wrap=True, min_width=len("suppressed"))
    for c in comparisons:
        ending = {"stop": "", "length": " ..."}.get(c.finish_reason, f" ({c.finish_reason})")
        shown.add_row(c.question, c.unguarded.strip(), f"{c.guarded.strip()}{ending}".strip(), c.outcome)
    return shown
