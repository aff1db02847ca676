"""One question answered twice by the same engine: without the guard and with it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from server.engine.protocol import json_of
from server.openai.route import GuardedRoute
from server.service import Service

_TOKENS = 96


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question, the engine's greedy answer without the guard, the server's with it, and how the latter ended."""

    question: str
    unguarded: str
    guarded: str
    finish_reason: str


async def compare(service: Service, question: str) -> Comparison:
    """Ask `question` on the engine itself and through the guard, as a request of this process's own.

    Raises EngineFailure if either does not answer.
    """
    running = service.running
    body = {
        "model": running.model,
        "messages": [{"role": "user", "content": question}],
        "temperature": 0,
        "max_tokens": _TOKENS,
    }
    free = await json_of(running.engine.app, "POST", "/v1/chat/completions", {**body, "vllm_xargs": {"guard": []}})
    held = await json_of(GuardedRoute(service, "chat", guarded=False), "POST", "/v1/chat/completions", body)
    unguarded, guarded = free["choices"][0], held["choices"][0]
    return Comparison(
        question, unguarded["message"]["content"] or "", guarded["message"]["content"] or "", guarded["finish_reason"]
    )


def table(comparisons: list[Comparison]) -> Table:
    """Return the comparisons side by side, for a terminal."""
    shown = Table(title="The same model, without and with the guard", show_lines=True, expand=True)
    for heading, ratio in (("question", 2), ("without", 3), ("with", 3)):
        shown.add_column(heading, ratio=ratio)
    for c in comparisons:
        ending = "" if c.finish_reason == "stop" else f" ({c.finish_reason})"
        shown.add_row(c.question, c.unguarded.strip(), f"{c.guarded.strip()}{ending}")
    return shown
