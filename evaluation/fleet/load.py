"""Load on a fleet: clients ask while the policy changes each second, at either front end in turn."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from tqdm import tqdm

from evaluation.demo import contains_phrase, load_demo
from evaluation.fleet.whole import WholeFleet
from evaluation.targets.figures import spread
from server.store.audit.record import REQUEST
from server.store.targets.reader import MAX_PAGE

CLIENTS = 16
# How many targets the changes are made to, so that the admins meet at each.
_SHARED = 4
# Shorter than the server keeps a connection: a request fails on a connection that the server is just closing.
_LIMITS = httpx.Limits(keepalive_expiry=2.0)


@dataclass
class Told:
    """What clients and admins were told.

    Attributes:
        confirmed: The highest snapshot that a change was confirmed with.
        under: For the decision of each answer the snapshot that was confirmed before its request.
        versions: How many changes of each target were confirmed.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    under: dict[str, int] = field(default_factory=dict)
    versions: Counter[str] = field(default_factory=Counter)
    change_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    leaks: int = 0


async def play(urls: Sequence[str], seconds: float, clients: int = CLIENTS) -> dict[str, Any]:
    """Ask about forgotten people and change other targets for `seconds`, and return figures and what did not hold.

    No answer may be decided under a snapshot older than one that was confirmed before its request, as the audit log has it. No
    confirmed change may be missing in the targets' versions.
    """
    asked = [(pair.question, person.facts.titles) for person in load_demo().forgotten for pair in person.pairs]
    async with httpx.AsyncClient(timeout=120, limits=_LIMITS) as client:
        told, end = Told(), time.monotonic() + seconds
        asking = [_ask(client, urls[at % len(urls)], asked[at:] + asked[:at], end, told) for at in range(clients)]
        changing = [_change(client, url, at, len(urls), end, told) for at, url in enumerate(urls)]
        await asyncio.gather(_tick(seconds), *asking, *changing)
        found = {name: (await client.get(f"{urls[0]}/v1/forget-targets/{name}")).json()["version"] for name in told.versions}
        decided = await _decisions(client, urls[0], set(told.under))
        for name in told.versions:
            (await client.delete(f"{urls[0]}/v1/forget-targets/{name}")).raise_for_status()
    return {"seconds": seconds, "clients": clients, **judged(told, found, decided)}


def judged(told: Told, versions: Mapping[str, int], decided: Mapping[str, int]) -> dict[str, Any]:
    """Return figures and failures.

    Args:
        told: What clients and admins were told.
        versions: The version that each changed target has at the end.
        decided: The snapshot of each decision in the audit log.
    """
    older = sum(decided[name] < before for name, before in told.under.items() if name in decided)
    lost = sum(abs(versions[name] - count) for name, count in told.versions.items())
    errors = sum(count for status, count in told.statuses.items() if int(status.rpartition(" ")[2]) >= 500)
    unrecorded = len(told.under.keys() - decided.keys())
    wrong = {
        "answers were decided under an older snapshot than one confirmed before": older,
        "changes were lost": lost,
        "answers have a status of 5xx": errors,
        "answers say what is forgotten": told.leaks,
        "decisions are not in the audit log": unrecorded,
    }
    failures = [f"{count} {what}" for what, count in wrong.items() if count]
    return {
        "statuses": dict(sorted(told.statuses.items())),
        "decided": len(decided),
        "older": older,
        "lost_updates": lost,
        "change_ms": spread(told.change_ms),
        "answer_ms": spread(told.answer_ms),
        "failures": failures,
    }


async def _ask(client: httpx.AsyncClient, url: str, asked: Sequence[tuple[str, Sequence[str]]], end: float, told: Told) -> None:
    """Ask the questions in turn. With each come facts that no answer may say."""
    for question, secrets in itertools.cycle(asked):
        if time.monotonic() >= end:
            return
        messages = [{"role": "user", "content": question}]
        body = {"model": "demo", "messages": messages, "max_tokens": 40, "temperature": 0}
        before, begun = told.confirmed, time.perf_counter()
        answer = await client.post(f"{url}/v1/chat/completions", json=body)
        told.statuses[f"answer {answer.status_code}"] += 1
        if answer.status_code == 200:
            told.answer_ms.append((time.perf_counter() - begun) * 1000)
            told.under[answer.headers["x-guard-decision-id"]] = before
            text = answer.json()["choices"][0]["message"]["content"] or ""
            told.leaks += any(contains_phrase(text, secret) for secret in secrets)


async def _change(client: httpx.AsyncClient, url: str, first: int, step: int, end: float, told: Told) -> None:
    """Change a target every `step` seconds, beginning after `first` seconds. If another changed it meanwhile, try again."""
    number, due = first, time.monotonic() + first
    while due < end:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        due += step
        name = f"shared-{number // step % _SHARED}"
        number += step
        body: dict[str, Any] = {"name": f"Shared Name {number}", "phrases": [{"text": f"Quagglewump {number}"}]}
        while True:
            known = await client.get(f"{url}/v1/forget-targets/{name}")
            begun = time.perf_counter()
            if known.status_code == 404:
                answer = await client.post(f"{url}/v1/forget-targets", json={"id": name, **body})
            else:
                headers = {"if-match": known.headers.get("etag", "")}
                answer = await client.patch(f"{url}/v1/forget-targets/{name}", json=body, headers=headers)
            told.statuses[f"change {answer.status_code}"] += 1
            if answer.is_success:
                told.change_ms.append((time.perf_counter() - begun) * 1000)
                told.confirmed = max(told.confirmed, answer.json()["snapshot"])
                told.versions[name] += 1
                break
            if answer.status_code >= 500 and time.monotonic() > end:
                break


async def _decisions(client: httpx.AsyncClient, url: str, wanted: set[str]) -> dict[str, int]:
    """Return the snapshots of decisions as the audit log has them. What was decided last may be written a moment later."""
    found: dict[str, int] = {}
    for _ in range(10):
        found, cursor = {}, None
        while True:
            query = {"action": REQUEST, "limit": MAX_PAGE} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(f"{url}/v1/audit", params=query)).raise_for_status().json()
            found |= {one["details"]["decision_id"]: one["snapshot"] for one in page["data"]}
            cursor = page["next_cursor"]
            if cursor is None:
                break
        if wanted <= found.keys():
            break
        await asyncio.sleep(1)
    return {name: found[name] for name in wanted & found.keys()}


async def _tick(seconds: float) -> None:
    for _ in tqdm(range(round(seconds)), unit="s", desc="load"):
        await asyncio.sleep(1)


def load(fleet: WholeFleet, seconds: float) -> dict[str, Any]:
    """Play against a fleet. What `play` says."""
    return asyncio.run(play([front.url for front in fleet.fronts], seconds))
