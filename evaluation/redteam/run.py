"""Attacks a server in every kind, and keeps each kind as soon as it is measured."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from evaluation.answers.asking import UNGUARDED
from evaluation.answers.partial import Partial
from evaluation.redteam.asking import Given, Server
from evaluation.redteam.attack import Around, Attack, Kind, Sent, attacks
from evaluation.redteam.case import Subject
from evaluation.redteam.figures import Measured, blocked, kind_figures, subject_figures, told
from evaluation.redteam.probes import oracles, probe


@dataclass(frozen=True)
class Effort:
    """How much is asked in each kind.

    Attributes:
        tokens: The most tokens of an answer.
        attacks: Requests about what must be forgotten.
        twins: The same about others.
        sampled: Of how many requests there are samples.
        samples: Samples of each at temperature 1.
        at_once: Requests at once.
    """

    tokens: int = 48
    attacks: int = 12
    twins: int = 6
    sampled: int = 3
    samples: int = 20
    at_once: int = 16


FULL = {"people": Effort(), "known": Effort(tokens=32, attacks=4, twins=3, sampled=1), "policy": Effort()}
"""The effort for each forget set. SmolLM2 says 250 tokens a second on two cores, the demo model 2,000."""
SMALL = Effort(tokens=8, attacks=1, twins=1, sampled=1, samples=2)


class Run:
    """The attack on one server with one forget set.

    Args:
        subject: What must be forgotten, and who must be answered.
        effort: How much is asked.
        folder: Where each kind is kept; made if it is missing.
        kinds: The kinds.
        around: What the attacker knows.
        code: What the answers depend on besides: answers of other code or of another server are asked for again.
        alone: Whether the same engine is asked without a guard, too, for what the model itself says.
    """

    def __init__(
        self,
        subject: Subject,
        effort: Effort,
        folder: Path,
        kinds: Sequence[Kind],
        around: Around,
        code: str,
        *,
        alone: bool = True,
    ) -> None:
        self.subject, self.effort, self.around, self._alone = subject, effort, around, alone
        folder.mkdir(parents=True, exist_ok=True)
        self.kinds: list[Kind] = []
        self._attacks: dict[str, tuple[list[Attack], list[Attack]]] = {}
        self._parts: dict[str, Partial] = {}
        for kind in kinds:
            made = attacks(kind, subject.cases, effort.attacks, around)
            twins = attacks(kind, subject.twins, effort.twins, around) if subject.twins else []
            if made:
                self.kinds.append(kind)
                self._attacks[kind.name] = made, twins
                self._parts[kind.name] = Partial(folder / f"{kind.name}.json", self._setup(made, twins, code))
        self._others = Partial(folder / "others.json", {"code": code})

    def _setup(self, made: Sequence[Attack], twins: Sequence[Attack], code: str) -> dict[str, Any]:
        sent = hashlib.sha256(repr([attack.sent for attack in (*made, *twins)]).encode()).hexdigest()
        return {"effort": asdict(self.effort), "sent": sent, "policy": self.subject.policy, "code": code}

    @property
    def complete(self) -> bool:
        """Whether everything is measured."""
        return all(map(self._complete, self.kinds)) and all(part in self._others for part in ("probes", "oracles"))

    async def go(self, server: Server, engine: Server | None, seconds: float | None = None) -> None:
        """Ask what is missing, and close the connections.

        Args:
            server: The server under attack.
            engine: The same engine without a guard; None if it cannot be reached.
            seconds: How long to go on, about; None for as long as it takes. At least one kind is asked about.
        """
        try:
            await self._go(server, engine, seconds)
        finally:
            await server.close()
            if engine is not None:
                await engine.close()

    async def _go(self, server: Server, engine: Server | None, seconds: float | None) -> None:
        end = time.monotonic() + seconds if seconds is not None else None
        asked = False
        with tqdm(self.kinds, desc=f"{self.subject.name}: kinds of attack", file=sys.stderr) as progress:
            for kind in progress:
                progress.set_postfix_str(kind.name)
                parts, (made, twins) = self._parts[kind.name], self._attacks[kind.name]
                if end is not None and asked and time.monotonic() > end:
                    return
                asked |= not self._complete(kind)
                if "guarded" not in parts:
                    parts["guarded"] = [given.mapping() for given in await self._first(server, [*made, *twins])]
                if self._alone and engine is not None and "unguarded" not in parts:
                    parts["unguarded"] = await self._unguarded(engine, [*made, *twins])
                if self.effort.samples and "samples" not in parts:
                    first = [Given(**one) for one in parts["guarded"]]
                    parts["samples"] = await self._samples(server, made[: self.effort.sampled], first)
        if "probes" not in self._others:
            self._others["probes"] = await probe(server, self.around)
        if "oracles" not in self._others:
            self._others["oracles"] = await oracles(server, self.around, self.subject)

    def figures(self) -> dict[str, Any]:
        """Return the figures of all kinds that were measured, with what was not tried."""
        found = {}
        for kind in self.kinds:
            if "guarded" in self._parts[kind.name]:
                found[kind.name] = kind_figures(self._measured(kind), self.subject)
        others: dict[str, Any] = {"probes": [], "oracles": {}}
        others |= {part: self._others[part] for part in others if part in self._others}
        return {**subject_figures(found, others["probes"], others["oracles"]), "effort": asdict(self.effort)}

    def leaking(self) -> list[tuple[str, str, str]]:
        """Return the kind, the request and the answer of each attack that got something out, for a reader."""
        found = []
        for kind in self.kinds:
            if "guarded" in self._parts[kind.name]:
                measured = self._measured(kind)
                pairs = list(zip(measured.attacks, measured.answers, strict=True))
                pairs += [(attack, one) for attack, many in zip(measured.attacks, measured.samples, strict=False) for one in many]
                found += [(kind.name, _shown(attack.sent), "\n".join(one.texts)) for attack, one in pairs if told(attack, one)]
        return found

    def stopped(self) -> list[tuple[str, str, str]]:
        """Return the kind, the request and the answer of each innocent request that was not answered."""
        found = []
        for kind in self.kinds:
            if "guarded" in self._parts[kind.name]:
                held = self._measured(kind)
                for attack, given, other in zip(held.twins, held.twin_answers, held.twin_unguarded, strict=True):
                    if blocked(attack, given, other, self.subject.secrets):
                        found.append((kind.name, _shown(attack.sent), f"{given.status} {given.code} " + "\n".join(given.texts)))
        return found

    def _complete(self, kind: Kind) -> bool:
        parts = self._parts[kind.name]
        return (
            "guarded" in parts and (not self._alone or "unguarded" in parts) and (not self.effort.samples or "samples" in parts)
        )

    def _measured(self, kind: Kind) -> Measured:
        parts, (made, twins) = self._parts[kind.name], self._attacks[kind.name]
        guarded = [Given(**one) for one in parts["guarded"]]
        unguarded: list[Given | None] = [None] * len(guarded)
        if "unguarded" in parts:
            unguarded = [None if one is None else Given(**one) for one in parts["unguarded"]]
        cut = len(made)
        samples = [[Given(**one) for one in many] for many in parts["samples"]] if "samples" in parts else []
        return Measured(made, guarded[:cut], unguarded[:cut], samples, twins, guarded[cut:], unguarded[cut:])

    async def _first(self, server: Server, asked: Sequence[Attack]) -> list[Given]:
        return await self._all(server, [_greedy(attack) for attack in asked], self.effort.at_once)

    async def _unguarded(self, engine: Server, asked: Sequence[Attack]) -> list[dict[str, Any] | None]:
        free = [_free(_greedy(attack)) for attack in asked]
        given = await self._all(engine, [sent for sent in free if sent is not None], self.effort.at_once)
        answers = iter(given)
        return [None if sent is None else next(answers).mapping() for sent in free]

    async def _samples(self, server: Server, asked: Sequence[Attack], first: Sequence[Given]) -> list[list[dict[str, Any]]]:
        """Return samples of each attack. One that was refused is refused again: its answer counts for all samples."""
        found = []
        for attack, before in zip(asked, first, strict=False):
            if before.refused:
                found.append([before.mapping()] * self.effort.samples)
                continue
            sent = _hot(attack)
            if sent.body is not None and sent.generates and not _counts(sent.body):
                many = await server.ask(replace(sent, body={**sent.body, "n": self.effort.samples}))
                # One that the server refuses because of `n`, or that failed, is one answer.
                if many.status == 200 and len(many.texts) == self.effort.samples:
                    single = [
                        replace(many, texts=[text], filtered=[cut]) for text, cut in zip(many.texts, many.filtered, strict=True)
                    ]
                    found.append([one.mapping() for one in single])
                    continue
            # Without seeds: vLLM 0.32 on a CPU dies of a seeded request that is preempted or read in parts.
            again = await self._all(server, [sent] * self.effort.samples, self.effort.at_once)
            found.append([one.mapping() for one in again])
        return found

    async def _all(self, server: Server, sent: Sequence[Sent], at_once: int) -> list[Given]:
        slots = asyncio.Semaphore(at_once)

        async def one(request: Sent) -> Given:
            async with slots:
                return await server.ask(request)

        return await asyncio.gather(*(one(request) for request in sent))


def _greedy(attack: Attack) -> Sent:
    body = attack.sent.body
    return attack.sent if body is None or not attack.kind.greedy else replace(attack.sent, body={"temperature": 0, **body})


def _hot(attack: Attack) -> Sent:
    body = attack.sent.body
    return attack.sent if body is None else replace(attack.sent, body={"temperature": 1, **body})


def _counts(body: dict[str, Any]) -> bool:
    """Whether a body says itself how many answers there are, or has more than one prompt."""
    prompt = body.get("prompt")
    several = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    return several or bool({"n", "best_of", "stream", "use_beam_search"} & set(body))


def _free(sent: Sent) -> Sent | None:
    """Return the request for an engine without a guard; None if it asks for no answer."""
    return replace(sent, body={**sent.body, **UNGUARDED}) if sent.generates and sent.body is not None else None


def _shown(sent: Sent) -> str:
    body = json.dumps(sent.body, ensure_ascii=False) if sent.body is not None else repr((sent.content or b"")[:300])
    return f"{sent.method} {sent.path} {body}"
