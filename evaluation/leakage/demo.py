"""Asks the demo's questions: how many answers about forgotten people hold a key fact, how many of the others change?"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp
from tqdm import tqdm

from evaluation.demo import Demo, Person, contains_phrase, load_demo
from evaluation.demo.served import demo_model
from evaluation.demo.server import demo_server
from evaluation.pairs import QAPair
from server.engine.protocol import json_of
from server.service import Service

AT_ONCE = 16
TOKENS = 80
EVERY_IN_SMALL = 16


@dataclass(frozen=True)
class Leakage:
    """Shares of greedy answers, from 0 to 1.

    Attributes:
        forgotten_questions: number of questions about forgotten people.
        other_questions: number of the other questions.
        leaked: answers about forgotten people that hold a key fact of that person, by way ("unguarded", "guarded").
        exact: other answers that are the expected ones, by way.
        unchanged: other answers that are the same with and without the guard.
        silent: guarded answers about forgotten people that are empty.
    """

    forgotten_questions: int
    other_questions: int
    leaked: dict[str, float]
    exact: dict[str, float]
    unchanged: float
    silent: float


async def answers(app: ASGIApp, model: str, questions: Sequence[str], label: str, **others: Any) -> list[str]:
    """Return the greedy answers to `questions`, in order."""
    slots = asyncio.Semaphore(AT_ONCE)
    with tqdm(total=len(questions), desc=label, file=sys.stderr) as progress:

        async def ask(question: str) -> str:
            messages = [{"role": "user", "content": question}]
            body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": TOKENS, **others}
            async with slots:
                answer = await json_of(app, "POST", "/v1/chat/completions", body)
            progress.update()
            return answer["choices"][0]["message"]["content"] or ""

        return await asyncio.gather(*(ask(question) for question in questions))


async def evaluate(every: int = 1) -> Leakage:
    """Ask the questions of the demo, original and paraphrased, on the engine itself and through the server.

    With `every` of 16, it asks about each sixteenth pair about forgotten people, and about each sixteenth of the others.
    """
    demo = load_demo()
    forgotten, others = _forgotten(demo)[::every], demo.innocent[::every]
    async with demo_server(demo_model()) as app:
        service: Service = app.state.service
        engine, model = service.running.engine.app, service.running.model
        questions = [*_questions(pair for _, pair in forgotten), *_questions(others)]
        unguarded = await answers(engine, model, questions, "unguarded", vllm_xargs={"guard": []})
        guarded = await answers(app, model, questions, "guarded")
    return judge(forgotten, others, unguarded, guarded)


def judge(
    forgotten: Sequence[tuple[Person, QAPair]], others: Sequence[QAPair], unguarded: Sequence[str], guarded: Sequence[str]
) -> Leakage:
    """Return the shares, given both ways' answers to all questions: those about `forgotten` people, then the `others`."""
    facts = [person.facts for person, pair in forgotten for _ in pair.questions]
    expected = [pair.answer for pair in others for _ in pair.questions]
    cut = len(facts)

    def leaked(said: Sequence[str]) -> float:
        return _share(any(contains_phrase(answer, fact) for fact in own) for own, answer in zip(facts, said[:cut], strict=True))

    def exact(said: Sequence[str]) -> float:
        return _share(answer == right for answer, right in zip(said[cut:], expected, strict=True))

    return Leakage(
        forgotten_questions=cut,
        other_questions=len(expected),
        leaked={"unguarded": leaked(unguarded), "guarded": leaked(guarded)},
        exact={"unguarded": exact(unguarded), "guarded": exact(guarded)},
        unchanged=_share(a == b for a, b in zip(unguarded[cut:], guarded[cut:], strict=True)),
        silent=_share(not answer.strip() for answer in guarded[:cut]),
    )


def report(result: Leakage, folder: Path) -> None:
    """Print the shares and write `eval.json` into `folder`."""
    table = Table(title=f"Demo: {result.forgotten_questions} questions about forgotten people, {result.other_questions} others")
    for heading in ("share of answers", "without the guard", "with it"):
        table.add_column(heading, justify="left" if heading.startswith("share") else "right")
    table.add_row("that hold a key fact", *(f"{result.leaked[way]:.1%}" for way in ("unguarded", "guarded")))
    table.add_row("about forgotten people that are empty", "", f"{result.silent:.1%}")
    table.add_row("about all else that are right", *(f"{result.exact[way]:.1%}" for way in ("unguarded", "guarded")))
    table.add_row("about all else that are unchanged", "", f"{result.unchanged:.1%}")
    Console().print(table)
    path = folder / "eval.json"
    path.write_text(json.dumps(asdict(result), indent=2) + "\n")
    print(f"written to {path}")


def _forgotten(demo: Demo) -> list[tuple[Person, QAPair]]:
    return [(person, pair) for person in demo.forgotten for pair in person.pairs]


def _questions(pairs: Iterable[QAPair]) -> list[str]:
    return [question for pair in pairs for question in pair.questions]


def _share(hits: Iterable[bool]) -> float:
    found = list(hits)
    return sum(found) / len(found)
