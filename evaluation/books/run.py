"""Asks systems for a book's passages and its content, and keeps each part as soon as it is there."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from starlette.types import ASGIApp

from evaluation.answers.asking import UNGUARDED, ask_all, body_of
from evaluation.answers.partial import Partial, fingerprint
from evaluation.answers.serving import serving
from evaluation.answers.systems import NONE
from evaluation.books.builder import PROMPTS
from evaluation.books.corpus import passage
from evaluation.books.figures import known, verbatim
from evaluation.books.muse import Muse
from evaluation.books.policy import policy
from evaluation.tofu.policy import ABSTAIN, MASK, REFUSE, REPHRASE
from evaluation.tofu.run import RETAIN
from server.service import Service

NAME = "Alice's Adventures in Wonderland"
WAYS = (ABSTAIN, REPHRASE, MASK, REFUSE)
TOKENS = 160
"""The most tokens of an answer: a passage goes on for a hundred words."""
PASSAGES = "passages"


class Run:
    """The measurement of one book.

    Args:
        models: The folders of the model that learned the book, by `NONE`, and of the one that never saw it, by `RETAIN`.
        muse: The book's data.
        ways: Of `WAYS`, what to measure beside both models.
        folder: Where parts are kept; made if it is missing.
        tokens: The most tokens of an answer.
    """

    def __init__(self, models: dict[str, Path], muse: Muse, ways: Sequence[str], folder: Path, tokens: int = TOKENS) -> None:
        self.models, self.muse, self.ways, self.tokens = models, muse, ways, tokens
        self.asked = {PASSAGES: [passage(one.prompt) for one in muse.verbatim]}
        self.asked |= {name: [one.question for one in pairs] for name, pairs in muse.known.items()}
        folder.mkdir(parents=True, exist_ok=True)
        code = fingerprint()
        self.parts = {name: Partial(folder / f"{name}.json", self._setup(name, code)) for name in (NONE, RETAIN, *ways)}

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the figures of each system, from 0 to 1. Raises KeyError if `go` has not measured all.

        They are MUSE's VerbMem, in all and by the words that are given, and KnowMem of both books; `unchanged kept` is the share
        of answers about the kept book that are those without a guard.
        """
        return {name: self._figures(name) for name in self.parts}

    def _figures(self, name: str) -> dict[str, float]:
        parts, asked = self.parts[name], self.muse.verbatim
        said: list[str] = parts[PASSAGES]
        found = {"verbatim": verbatim(asked, said)}
        for words in PROMPTS:
            some = [(one, text) for one, text in zip(asked, said, strict=True) if len(one.prompt.split()) == words]
            if some:
                found[f"verbatim {words}"] = verbatim([one for one, _ in some], [text for _, text in some])
        found |= {f"known {of}": known(pairs, parts[of]) for of, pairs in self.muse.known.items()}
        kept = list(zip(parts["retain"], self.parts[NONE]["retain"], strict=True))
        return {**found, "unchanged kept": sum(ours == free for ours, free in kept) / len(kept)}

    async def go(self) -> None:
        """Measure what is missing. Raises whatever keeps a server from starting, and EngineFailure."""
        for model, systems in ((self.models[NONE], (NONE, *self.ways)), (self.models[RETAIN], (RETAIN,))):
            missing = [name for name in systems if any(part not in self.parts[name] for part in self.asked)]
            if missing:
                await self._serve(model, missing)
                gc.collect()  # an engine's queues are in cycles

    async def _serve(self, model: Path, systems: Sequence[str]) -> None:
        first = next((name for name in systems if name in self.ways), ABSTAIN)
        async with serving(str(model), self._written(first)) as served:
            for name in systems:
                if name in self.ways:
                    await served.enforce(self._written(name))
                await self._ask(name, served.app, served.service)

    async def _ask(self, name: str, app: ASGIApp, service: Service) -> None:
        free = name not in self.ways
        others: dict[str, Any] = UNGUARDED if free else {}
        for part, texts in self.asked.items():
            if part not in self.parts[name]:
                bodies = [body_of(service.running.model, text, self.tokens, **others) for text in texts]
                given = await ask_all(service.running.engine.app if free else app, bodies, f"{name}: {part}")
                self.parts[name][part] = [one[0].text for one in given]

    def _written(self, way: str) -> str:
        return yaml.safe_dump(policy(self.muse, NAME, way), allow_unicode=True)

    def _setup(self, name: str, code: str) -> dict[str, Any]:
        guarded = name in self.ways
        model = self.models[RETAIN if name == RETAIN else NONE].name
        held = policy(self.muse, NAME, name) if guarded else None
        return {"model": model, "asked": self.asked, "tokens": self.tokens, "policy": held, "code": code if guarded else ""}
