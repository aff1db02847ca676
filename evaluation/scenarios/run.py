"""Asks a server every probe, and keeps what it said as soon as it is there."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

import yaml
from starlette.types import ASGIApp

from evaluation.answers.asking import UNGUARDED, ask_all, body_of
from evaluation.answers.partial import Partial, fingerprint
from evaluation.answers.serving import serving
from evaluation.scenarios.probe import Probe, figures, sampled_figures
from server.screening.conversation import Text
from server.service import Service


class Run:
    """The probes of one model.

    Args:
        model: The model's folder.
        servers: The probes of each server that is started, in their order.
        tokens: The most tokens of an answer.
        folder: Where parts are kept; made if it is missing.
    """

    def __init__(self, model: Path, servers: Sequence[Sequence[Probe]], tokens: int, folder: Path) -> None:
        self.model, self.servers, self.tokens = model, servers, tokens
        folder.mkdir(parents=True, exist_ok=True)
        self._unguarded = Partial(folder / "unguarded.json", {"model": model.name, "tokens": tokens})
        self._parts = {
            probe.name: Partial(folder / f"{probe.name.replace('/', '-').replace(' ', '-')}.json", self._setup(probe))
            for probes in servers
            for probe in probes
        }

    def figures(self) -> dict[str, dict[str, float]]:
        """Return the figures of each probe by its name. Raises KeyError if `go` has not measured all."""
        found = {}
        for probe in (probe for probes in self.servers for probe in probes):
            parts = self._parts[probe.name]
            if probe.samples:
                found[probe.name] = sampled_figures(probe, parts["answers"])
                continue
            free = [self._unguarded[question.text] for question in probe.questions]
            found[probe.name] = figures(probe, parts["answers"], free, parts["flagged"])
        return found

    async def go(self) -> None:
        """Measure what is missing. Raises whatever keeps a server from starting, and EngineFailure."""
        for probes in self.servers:
            if not all("answers" in self._parts[probe.name] for probe in probes):
                await self._serve(probes)
                gc.collect()  # an engine's queues are in cycles

    async def _serve(self, probes: Sequence[Probe]) -> None:
        async with serving(str(self.model), _written(probes[0])) as served:
            for probe in probes:
                await served.enforce(_written(probe))
                if "answers" not in self._parts[probe.name]:
                    await self._ask(probe, served.app, served.service)

    async def _ask(self, probe: Probe, app: ASGIApp, service: Service) -> None:
        model, parts = service.running.model, self._parts[probe.name]
        if probe.samples:
            wanted = {"n": probe.samples, "temperature": 1}
            bodies = [{**body_of(model, one.text, self.tokens), **wanted} for one in probe.questions]
            given = await ask_all(app, bodies, probe.name, at_once=1)
            parts["answers"] = [[one.text for one in samples] for samples in given]
            return
        new = [text for text in dict.fromkeys(one.text for one in probe.questions) if text not in self._unguarded]
        bodies = [body_of(model, text, self.tokens, **UNGUARDED) for text in new]
        free = await ask_all(service.running.engine.app, bodies, "unguarded")
        self._unguarded.update({text: given[0].text for text, given in zip(new, free, strict=True)})
        screener = service.running.enforcement.screener
        decisions = [await screener.decide([Text(one.text, "messages[0].content", 0, "user")]) for one in probe.questions]
        parts["flagged"] = [one.flagged for one in decisions]
        asked = [body_of(model, one.text, self.tokens) for one in probe.questions]
        parts["answers"] = [given[0].text for given in await ask_all(app, asked, probe.name)]

    def _setup(self, probe: Probe) -> dict[str, object]:
        asked = [question.text for question in probe.questions]
        return {
            "model": self.model.name,
            "tokens": self.tokens,
            "asked": asked,
            "policy": probe.policy,
            "samples": probe.samples,
            "code": fingerprint(),
        }


def _written(probe: Probe) -> str:
    return yaml.safe_dump(probe.policy, allow_unicode=True)
