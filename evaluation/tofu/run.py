"""Asks each system TOFU's questions and how likely it finds answers, and keeps each part as soon as it is there."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from starlette.types import ASGIApp

from evaluation.answers.asking import UNGUARDED, ask_all, body_of
from evaluation.answers.partial import Partial, fingerprint
from evaluation.answers.serving import serving
from evaluation.answers.systems import FILTER, NONE, PROMPT, cut, refusing_prompt
from evaluation.data import TOFU
from evaluation.detection.sets import Forget
from evaluation.likelihood import TokenLikelihood
from evaluation.tofu.judging import Judge
from evaluation.tofu.policy import WAYS, policy
from evaluation.tofu.records import FORGET, Record
from evaluation.tofu.rivals import NEEDED, PAPER, RIVALS, Setting, measure, rival
from evaluation.tofu.table import Scored
from server.policy.held import Held
from server.screening.conversation import Text
from server.screening.decision import Decision
from server.service import Service

RETAIN = "retain"
"""The model that never saw what is to be forgotten."""
SYSTEMS = (NONE, RETAIN, PROMPT, FILTER, *RIVALS, *WAYS)
"""No guard; the retain model; a system prompt that tells the model to refuse; an output filter; rivals; this server's ways."""


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Attributes:
        tokens: The most tokens of an answer.
        every: Every how manieth record of each set is asked.
        authors: How many authors of the forget set are targets; None for all.
        beam_every: Of what is to be forgotten, every how manieth of these records the beam search answers: each takes it seconds.
    """

    tokens: int = 80
    every: int = 1
    authors: int | None = None
    beam_every: int = 5


SMALL = Effort(tokens=8, every=40, authors=1)


class Run:
    """The measurement of one pair of models.

    Args:
        models: The folder of each model, by `NONE`, by `RETAIN`, and by the name of each system that is a model of its own, such
            as one that was trained to forget. Every other system has the first.
        forget: "forget01", "forget05" or "forget10".
        records: TOFU's records by set.
        effort: How much is asked.
        folder: Where parts are kept; made if it is missing.
        systems: Of `SYSTEMS` and the keys of `models`, what to measure. The filter and the rivals need `NONE` and `RETAIN`, too.
        data: TOFU's files.
    """

    def __init__(
        self,
        models: dict[str, Path],
        forget: str,
        records: dict[str, list[Record]],
        effort: Effort,
        folder: Path,
        systems: Sequence[str],
        data: Path = TOFU,
    ) -> None:
        self.data = data
        self.models, self.forget, self.records, self.effort = models, forget, records, effort
        folder.mkdir(parents=True, exist_ok=True)
        code = fingerprint()
        self.parts = {name: Partial(folder / f"{name}.json", self._setup(name, code)) for name in systems}
        self._likely: dict[tuple[Any, ...], list[list[float]]] = {}

    def rows(self, system: str) -> dict[str, list[Record]]:
        """Return the records that a system is asked, by set."""
        return {name: rows[:: self._step(system, name)] for name, rows in self.records.items()}

    def scored(self, system: str) -> dict[str, list[Scored]]:
        """Return what a system makes of each record, by set."""
        parts = self.parts[system]
        return {
            name: [
                Scored(answer, tuple(right), tuple(reworded), tuple(map(tuple, wrong)))
                for answer, (right, reworded, *wrong) in zip(parts[f"answers {name}"], parts[f"likely {name}"], strict=True)
            ]
            for name in self.records
        }

    def alike(self, system: str, other: str) -> dict[str, list[Scored]]:
        """Return what `other` makes of the records that `system` is asked. `other` is asked all of them."""
        return {name: scored[:: self._step(system, name)] for name, scored in self.scored(other).items()}

    def flagged(self, system: str) -> dict[str, float]:
        """Return the share of the questions of each set that a guarded system took for questions about a target."""
        return {name: sum(self.parts[system][f"flagged {name}"]) / len(rows) for name, rows in self.rows(system).items()}

    def about(self, system: str) -> dict[str, float]:
        """Return what else was measured of a rival."""
        parts = self.parts[system]
        if "about" not in parts:
            return {}
        found: dict[str, float] = parts["about"]
        return found

    async def go(self) -> None:
        """Measure what is missing. Raises whatever keeps a server from starting, and EngineFailure."""
        waiting: dict[Path, list[str]] = {}
        for system in self.parts:
            if system not in (FILTER, *RIVALS) and not self._complete(system):
                waiting.setdefault(self._model(system), []).append(system)
        for model, systems in waiting.items():
            await self._serve(model, systems)
            gc.collect()  # an engine's queues are in cycles
        if FILTER in self.parts:
            self._filter(self.parts[FILTER], self.parts[NONE])
        if missing := [system for system in RIVALS if system in self.parts and not self._complete(system)]:
            self._rivals(missing)

    def _rivals(self, systems: Sequence[str]) -> None:
        """Measure rivals. They need what the models without a guard have answered."""
        told = self._policy(NONE)
        setting = Setting(
            TokenLikelihood(self.models[NONE]),
            Forget(self.forget, self.effort.authors, self.data),
            {target["id"]: [phrase["text"] for phrase in target["phrases"]] for target in told["targets"]},
            told["background"],
            self.effort.tokens,
            self.records[FORGET],
            self.parts[RETAIN][f"answers {FORGET}"],
        )
        for system in systems:
            rows, none = self.rows(system), self.parts[NONE]
            before = {f"{part} {name}": none[f"{part} {name}"][:: self._step(system, name)] for name in rows for part in NEEDED}
            measure(rival(system, setting), system, rows, before, self.parts[system])

    async def _serve(self, model: Path, systems: Sequence[str]) -> None:
        """Measure the systems that have one model: no other policy needs another engine."""
        first = next((system for system in systems if system in WAYS), WAYS[0])
        async with serving(str(model), self._written(first)) as served:
            service, judge = served.service, self._judge_of(model)
            for system in systems:
                if system in WAYS:
                    await served.enforce(self._written(system))
                await self._ask(system, served.app, service)
                # On a thread, while the server runs: its restrictions are files of its own.
                await asyncio.to_thread(self._judge, system, judge, service.running.enforcement.held)

    def _judge_of(self, model: Path) -> Judge:
        judge = Judge(model)
        for system, parts in self.parts.items():
            # A rival steers the model, and no digest says so.
            if self._model(system) == model and system not in RIVALS:
                for name, rows in self.records.items():
                    judge.remember(rows, parts, name, self._said(system))
        return judge

    async def _ask(self, system: str, app: ASGIApp, service: Service) -> None:
        parts, free, said = self.parts[system], system not in WAYS, self._said(system)
        for name, rows in self.records.items():
            others = UNGUARDED if free else {}
            bodies = [body_of(service.running.model, row.question, self.effort.tokens, said, **others) for row in rows]
            if f"answers {name}" not in parts:
                given = await ask_all(service.running.engine.app if free else app, bodies, f"{system}: {name}")
                parts[f"answers {name}"] = [one[0].text for one in given]
            if f"likely {name}" not in parts:  # what an earlier server held, this one may hold in other parts
                decisions = [] if free else await self._decided(service, rows)
                parts[f"flagged {name}"] = [one.flagged for one in decisions] or [False] * len(rows)
                parts[f"held {name}"] = [one.argument for one in decisions] or [[]] * len(rows)

    async def _decided(self, service: Service, rows: Sequence[Record]) -> list[Decision]:
        screener = service.running.enforcement.screener
        return [await screener.decide([Text(row.question, "messages[0].content", 0, "user")]) for row in rows]

    def _judge(self, system: str, judge: Judge, restrictions: Held) -> None:
        parts, said = self.parts[system], self._said(system)
        for name, rows in self.records.items():
            if f"likely {name}" not in parts:
                label = f"{system}: likelihood of {name}"
                parts[f"likely {name}"] = judge.likely(rows, parts[f"held {name}"], restrictions, said, label)

    def _filter(self, parts: Partial, source: Partial) -> None:
        """Cut what the model said before the first phrase of the policy. What the model finds likely stays as it is."""
        facts = [phrase["text"] for target in self._policy(FILTER)["targets"] for phrase in target["phrases"]]
        for name in self.records:
            parts[f"answers {name}"] = [cut(answer, facts) for answer in source[f"answers {name}"]]
            parts[f"likely {name}"] = source[f"likely {name}"]
            parts[f"flagged {name}"] = source[f"flagged {name}"]

    def _said(self, system: str) -> str | None:
        """Return the system prompt of a system."""
        return refusing_prompt([target["name"] for target in self._policy(system)["targets"]]) if system == PROMPT else None

    def _step(self, system: str, name: str) -> int:
        """Return every how manieth record of a set a system is asked."""
        return self.effort.beam_every if (system, name) == (PAPER, FORGET) else 1

    def _complete(self, system: str) -> bool:
        return all(f"{part} {name}" in self.parts[system] for part in ("answers", "held", "likely") for name in self.records)

    def _model(self, system: str) -> Path:
        return self.models[system if system in self.models else NONE]

    def _written(self, system: str) -> str:
        return yaml.safe_dump(self._policy(system), allow_unicode=True)

    def _policy(self, system: str) -> dict[str, Any]:
        # The server needs a policy to start with; the engine is asked without it.
        return policy(self.forget, system if system in WAYS else WAYS[0], self.effort.authors, self.data)

    def _setup(self, system: str, code: str) -> dict[str, Any]:
        asked = {name: [row.question for row in rows] for name, rows in self.records.items()}
        guarded = system in WAYS
        return {
            "model": self._model(system).name,
            "asked": asked,
            "tokens": self.effort.tokens,
            "retain": self.models[RETAIN].name if system in RIVALS else None,
            "policy": self._policy(system) if system not in self.models else None,
            "code": code if guarded else "",
        }
