"""Asks every system everything, and keeps each part as soon as it is there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from starlette.types import ASGIApp
from tqdm import tqdm

from evaluation.answers import questions as asked
from evaluation.answers.asking import UNGUARDED, Given, ask_all, body_of, timed
from evaluation.answers.fluency import Likelihood, written
from evaluation.answers.partial import Partial, fingerprint
from evaluation.answers.pauses import Pauses
from evaluation.answers.questions import Question, Target
from evaluation.answers.serving import Serving, serving
from evaluation.answers.systems import BEAM, FILTER, NONE, PROMPT, Guarded, cut, guarded, names, refusing_prompt
from evaluation.demo.served import DEMOS
from server.service import Service

# Each request for samples is as many rows: more at once would not fit the engine's cache.
_SAMPLED_AT_ONCE = 3


@dataclass(frozen=True)
class Effort:
    """How much is asked.

    Attributes:
        tokens: The most tokens of an answer.
        every: Every how manieth question is asked.
        samples: Samples of each question at temperature 1; 0 leaves them out.
        sampled: The most questions of which there are samples.
        timed: The most questions that are asked one at a time, for times.
        beam_every: Every how manieth of these questions the beam search answers: each takes it seconds. A target has twelve
            questions in the same order, so only a number without a common divisor meets all forms.
        judged: The most questions whose answers' likelihood is computed.
    """

    tokens: int = 64
    every: int = 1
    samples: int = 20
    sampled: int = 60
    timed: int = 12
    beam_every: int = 5
    judged: int = 84

    @property
    def likelihood_part(self) -> str:
        """The name of the part that holds these likelihoods."""
        return f"likelihood {self.judged}"

    @property
    def samples_part(self) -> str:
        """The name of the part that holds these samples."""
        return f"samples {self.sampled}x{self.samples}"


FULL = Effort()
SMALL = Effort(tokens=8, every=36, samples=2, sampled=2, timed=2, beam_every=2, judged=2)


@dataclass(frozen=True)
class Subject:
    """One model, and what is asked of it.

    Attributes:
        name: The demo's name: "known" or "people".
        targets: What is to be forgotten.
        questions: What is asked about it.
        namesakes: Harmless requests with its names.
    """

    name: str
    targets: Sequence[Target]
    questions: Sequence[Question]
    namesakes: Sequence[Question]

    @classmethod
    def of(cls, name: str, effort: Effort) -> Subject:
        """Return SmolLM2 and what everybody knows ("known"), or the demo model and the invented people ("people")."""
        targets = asked.known_targets() if name == "known" else asked.invented_targets()
        every = effort.every
        return cls(name, targets, asked.questions(targets)[::every], asked.namesakes(targets)[::every])

    def sampled(self, effort: Effort) -> list[Question]:
        """Return the questions of which there are samples."""
        return [self.questions[at] for at in asked.spread(self.questions, effort.sampled)]

    def judged(self, effort: Effort) -> set[Question]:
        """Return the questions whose answers' likelihood is computed."""
        return {self.questions[at] for at in asked.spread(self.questions, effort.judged)}

    def timed(self, effort: Effort) -> list[Question]:
        """Return the questions that are asked one at a time."""
        return [self.questions[at] for at in asked.spread(self.questions, effort.timed)]


class Run:
    """The measurement of one subject.

    Args:
        subject: The model and the questions.
        effort: How much is asked.
        folder: Where parts are kept; made if it is missing.
        systems: The names of the systems to measure; each one that is compared needs "none" beside it.
    """

    def __init__(self, subject: Subject, effort: Effort, folder: Path, systems: Sequence[str]) -> None:
        self.subject, self.effort, self.systems = subject, effort, systems
        self._code = fingerprint()
        folder.mkdir(parents=True, exist_ok=True)
        self.parts = {name: Partial(folder / f"{name}.json", self._setup(name)) for name in systems}

    async def go(self) -> None:
        """Measure what is missing. Raises whatever keeps a server from starting, and EngineFailure."""
        by_engine = [name for name in (NONE, PROMPT) if name in self.systems and not self._complete(name)]
        ways = [way for way in guarded() if way.name in self.systems and not self._complete(way.name)]
        if by_engine or ways:
            first = ways[0] if ways else guarded()[0]
            demo = DEMOS[self.subject.name]
            async with serving(demo.model(), self._policy(first), demo.engine) as served:
                await self._go(served, by_engine, ways)
        if FILTER in self.systems:
            self._filter()

    def judge_likelihood(self, model: Likelihood, say: Sequence[str]) -> None:
        """Let the beam search answer, and have the model say how likely each system's answers are."""
        if BEAM in self.systems and not self._complete(BEAM):
            from evaluation.answers.beam import answer_all

            found = answer_all(model, self.subject.questions[:: self.effort.beam_every], self.effort.tokens)
            self.parts[BEAM]["answers"] = [asdict(one) for one in found.answers]
            self.parts[BEAM]["times"] = [asdict(one) for one in found.times]
        part, judged = self.effort.likelihood_part, self.subject.judged(self.effort)
        known: dict[tuple[str, str], Any] = {}
        for name, parts in self.parts.items():
            # An answer without a text has no tokens, and counts nowhere: neither does one that is not judged.
            pairs = [
                (question.text, written(given.text, say) if question in judged else "")
                for question, given in zip(self.questions(name), self.answers(name), strict=True)
            ]
            if part not in parts:
                # Most systems leave some answers as they are.
                new = [pair for pair in dict.fromkeys(pairs) if pair not in known]
                known.update(zip(new, model.all_of(new, f"{name}: likelihood"), strict=True))
                parts[part] = [known[pair] for pair in pairs]
            known.update(zip(pairs, parts[part], strict=True))

    def questions(self, name: str) -> Sequence[Question]:
        """Return the questions that a system is asked."""
        return self.subject.questions[:: self.effort.beam_every] if name == BEAM else self.subject.questions

    def answers(self, name: str, part: str = "answers") -> list[Given]:
        """Return the answers of a system: to the questions, or to the "namesakes"."""
        return [Given(**one) for one in self.parts[name][part]]

    def _setup(self, name: str) -> dict[str, Any]:
        texts = [question.text for question in (*self.subject.questions, *self.subject.namesakes)]
        ways = {way.name: way.defaults for way in guarded()}
        listed = asked.policy(self.subject.targets, ways.get(name))
        # Not how much is sampled and judged: the names of these parts say it.
        keys = ("tokens", "every", "timed", *(("beam_every",) if name == BEAM else ()))
        effort = {key: value for key, value in asdict(self.effort).items() if key in keys}
        return {
            "system": name,
            "effort": effort,
            "questions": texts,
            "policy": listed,
            "code": self._code if name in ways else "",
        }

    def _complete(self, name: str) -> bool:
        needed = {"answers", "times"} if name == BEAM else {"answers", "namesakes", "times", "base"}
        if self._sampled(name):
            needed.add(self.effort.samples_part)
        return all(part in self.parts[name] for part in needed)

    def _sampled(self, name: str) -> bool:
        # Samples take minutes. Whether an answer may repeat a name that the prompt says is judged without them.
        return self.effort.samples > 0 and name != BEAM and not name.endswith("-ban")

    async def _go(self, served: Serving, by_engine: Sequence[str], ways: Sequence[Guarded]) -> None:
        """Ask the systems that need a server, which holds the first way's policy."""
        for name in by_engine:
            await self._ask(name, served.service.running.engine.app, served.service)
        for way in ways:
            await served.enforce(self._policy(way))
            await self._ask(way.name, served.app, served.service)

    def _policy(self, way: Guarded) -> str:
        return yaml.safe_dump(asked.policy(self.subject.targets, way.defaults), allow_unicode=True)

    async def _ask(self, name: str, app: FastAPI | ASGIApp, service: Service) -> None:
        parts, effort, engine = self.parts[name], self.effort, service.running.engine.app
        model = service.running.model
        free = UNGUARDED if app is engine else {}
        system = refusing_prompt([target.name for target in self.subject.targets]) if name == PROMPT else None

        def bodies(questions: Sequence[Question], **others: Any) -> list[dict[str, Any]]:
            return [body_of(model, one.text, effort.tokens, system, **free, **others) for one in questions]

        for part, of in (("answers", self.subject.questions), ("namesakes", self.subject.namesakes)):
            if part not in parts:
                parts[part] = [asdict(one[0]) for one in await ask_all(app, bodies(of), f"{name}: {part}")]
        if "base" not in parts:
            some = self.subject.timed(effort)
            plain = [body_of(model, one.text, effort.tokens, **UNGUARDED) for one in some]
            await timed(engine, plain[0])  # the first one finds cold caches
            times, base = [], []
            served, pauses = service.running.engine, Pauses(engine)
            served.app = pauses
            # One after the other, so that what else the machine does concerns both alike.
            for body, other in tqdm(list(zip(bodies(some), plain, strict=True)), desc=f"{name}: times", file=sys.stderr):
                pauses.take()
                found = await timed(app if app is not engine else pauses, body, service.metrics.text)
                times.append(asdict(replace(found, pauses=pauses.take())))
                base.append(asdict(await timed(engine, other)))
            served.app = engine
            parts["times"], parts["base"] = times, base
        if self._sampled(name) and effort.samples_part not in parts:
            wanted = bodies(self.subject.sampled(effort), n=effort.samples)
            found = await ask_all(app, [{**one, "temperature": 1} for one in wanted], f"{name}: samples", _SAMPLED_AT_ONCE)
            parts[effort.samples_part] = [[asdict(one) for one in given] for given in found]

    def _filter(self) -> None:
        """Cut what the unguarded model said, as a filter of outputs would."""
        parts, source = self.parts[FILTER], self.parts[NONE]

        def filtered(given: dict[str, Any], question: Question) -> dict[str, Any]:
            text = cut(given["text"], question.secrets)
            cut_off = text != given["text"]
            return {**given, "text": text, **({"finish_reason": "content_filter"} if cut_off else {})}

        sets = {"answers": self.subject.questions, "namesakes": self.subject.namesakes}
        for part, of in sets.items():
            parts[part] = [filtered(one, question) for one, question in zip(source[part], of, strict=True)]
        parts["times"], parts["base"] = source["times"], source["base"]
        if self._sampled(FILTER):
            of = self.subject.sampled(self.effort)
            sampled = self.effort.samples_part
            parts[sampled] = [
                [filtered(one, question) for one in given] for given, question in zip(source[sampled], of, strict=True)
            ]


def check(systems: Sequence[str]) -> None:
    """Raise ValueError unless each system exists and "none", with which the others are compared, is among them."""
    if unknown := [name for name in systems if name not in names()]:
        raise ValueError(f"no such system here: {', '.join(unknown)}; there are {', '.join(names())}")
    if NONE not in systems:
        raise ValueError(f"'{NONE}' is needed beside the others: they are compared with it")
