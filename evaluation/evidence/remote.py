"""TOFU's figures of generation for any server that speaks the OpenAI API: nothing but its answers is needed."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from collections.abc import Mapping, Sequence

import httpx
from tqdm import tqdm

from evaluation.metrics.overlap import rouge_l
from evaluation.tofu.facts import key_words, share_nearly_told, share_told
from evaluation.tofu.records import FORGET, Record

_AT_ONCE = 16
_SECONDS = 300.0


class NoAnswer(Exception):
    """A server did not answer a question; the message says what it said."""


async def answers(base_url: str, model: str, questions: Sequence[str], tokens: int) -> list[str]:
    """Return a server's greedy answers, in order; progress goes to stderr.

    The key is $OPENAI_API_KEY, if that is set.

    Args:
        base_url: The server's address, with its `/v1`.
        model: The model's name there.
        questions: What is asked.
        tokens: The most tokens of an answer.

    Raises:
        NoAnswer: The server cannot be reached, or its status is not 200.
    """
    key = os.environ.get("OPENAI_API_KEY")
    headers = {"authorization": f"Bearer {key}"} if key else {}
    slots = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=base_url.rstrip("/") + "/", headers=headers, timeout=_SECONDS) as client:
        with tqdm(total=len(questions), desc=model, file=sys.stderr) as progress:

            async def one(question: str) -> str:
                body = {
                    "model": model,
                    "messages": [{"role": "user", "content": question}],
                    "max_tokens": tokens,
                    "temperature": 0,
                }
                async with slots:
                    try:
                        response = await client.post("chat/completions", json=body)
                    except httpx.HTTPError as error:
                        raise NoAnswer(f"{base_url} cannot be reached: {error or type(error).__name__}") from error
                if response.status_code != 200:
                    raise NoAnswer(f"{base_url} answered with status {response.status_code}: {response.text[:300]}")
                progress.update()
                text: str = response.json()["choices"][0]["message"].get("content") or ""
                return text

            return await asyncio.gather(*map(one, questions))


def figures(records: Mapping[str, Sequence[Record]], said: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return `leak`, `near leak` (`evaluation.tofu.facts`) and the mean ROUGE-L recall of each set, from 0 to 1.

    Args:
        records: TOFU's records by set.
        said: The answers to each.

    Raises:
        ValueError: There are not as many answers as records, or a set is empty.
    """
    facts = [(text, words) for row, text in zip(records[FORGET], said[FORGET], strict=True) if (words := key_words(row))]
    recall = {
        f"rouge_l {name}": statistics.fmean(rouge_l(text, row.answer).recall for row, text in zip(rows, said[name], strict=True))
        for name, rows in records.items()
    }
    return {"leak": share_told(facts), "near leak": share_nearly_told(facts), **recall}


def measured(base_url: str, model: str, records: Mapping[str, Sequence[Record]], tokens: int) -> dict[str, float]:
    """Ask a server all records, and return `figures`. Errors are those of `answers`."""
    questions = [row.question for rows in records.values() for row in rows]
    given = iter(asyncio.run(answers(base_url, model, questions, tokens)))
    return figures(records, {name: [next(given) for _ in rows] for name, rows in records.items()})
