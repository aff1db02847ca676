"""Drills: what a fleet must hold when targets come one after the other, and when a part of it dies."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from tqdm import tqdm

from evaluation.demo import contains_phrase, load_demo
from evaluation.fleet.whole import WholeFleet, ask, said
from evaluation.pairs import QAPair
from evaluation.targets.facts import unsettled
from evaluation.targets.figures import spread
from evaluation.targets.wholeserver import WholeServer
from guard import fold
from server.engine.remote import LEASE_S

SLACK_S = 4.0
"""Seconds that a change may take on a busy machine, beside the lease that it waits for."""
_GOES_ON_S = 60.0
_LONG = {"max_tokens": 1200, "ignore_eos": True, "stream": True}


def distinctive(pair: QAPair) -> list[str]:
    """Return the words of an answer that its question does not have, in their order."""
    asked = fold(pair.question).split()
    return [word for each in pair.answer.split() if (word := each.strip(".,")) and fold(word) not in asked]


def banning(name: str, word: str) -> dict[str, Any]:
    """Return a target, as the API takes it, that bans a word in every answer."""
    return {"id": name, "name": f"Drill {name}", "answer": "mask", "phrases": [{"text": word, "scope": "always", "force": True}]}


def adds(fleet: WholeFleet, count: int) -> dict[str, Any]:
    """Add and remove `count` targets, at either front end in turn. Return milliseconds until the 201, and what did not hold.

    After each 201 either front end is asked once per engine, which the router picks in turn, and none may say the word. After the
    removal the answer is the model's own again, so each add had something to forbid.

    Raises:
        httpx.HTTPError: A front end refused a change or did not answer.
    """
    known = [pair for pair in load_demo().general if said(ask(fleet.fronts[0].url, pair.question)) == pair.answer]
    milliseconds: list[float] = []
    failures: list[str] = []
    for number in tqdm(range(count), desc="adding in turn"):
        pair, front = known[number % len(known)], fleet.fronts[number % len(fleet.fronts)]
        word = distinctive(pair)[-1]
        with front.client() as client:
            begun = time.perf_counter()
            answer = client.post("/v1/forget-targets", json=banning(f"turn-{number}", word)).raise_for_status()
            milliseconds.append((time.perf_counter() - begun) * 1000)
            for url in [front.url for front in fleet.fronts] * len(fleet.engines):
                if contains_phrase(said(ask(url, pair.question)), word):
                    failures.append(f"add {number}: an answer says the word after the 201")
            for other in fleet.fronts:
                policy = httpx.get(f"{other.url}/v1/policy", timeout=60).raise_for_status().json()
                if problem := unsettled(policy, answer.json()["snapshot"]):
                    failures.append(f"add {number}: {problem}")
                if [worker["acknowledged"] for worker in policy["workers"]] != [True] * len(fleet.engines):
                    failures.append(f"add {number}: not every engine has acknowledged it")
            client.delete(f"/v1/forget-targets/turn-{number}").raise_for_status()
        if said(ask(front.url, pair.question)) != pair.answer:
            failures.append(f"add {number}: after the removal the answer is not what it was")
    return {"add_ms": spread(milliseconds), "failures": failures}


@dataclass
class Streams:
    """Long answers that are streamed while something dies."""

    ends: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def follow(self, url: str, question: str, word: str) -> None:
        """Stream one answer; note how it ended, and whether it said the word."""
        body = {"model": "demo", "messages": [{"role": "user", "content": question}], "temperature": 0, **_LONG}
        text, end = "", "broken"
        client = httpx.Client(timeout=120)
        with client, contextlib.suppress(httpx.TransportError):
            with client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
                for part in answer.iter_text():
                    text += part
            end = _end(answer.status_code, text)
        self.ends[end] += 1
        if end == "silent":
            self.failures.append(f"an answer ended without a reason: …{text[-200:]}")
        if contains_phrase(text, word):
            self.failures.append("an answer says what is banned")


def _end(status: int, text: str) -> str:
    if status != 200:
        return str(status)
    if '"error"' in text:
        return "error"
    return "whole" if '"finish_reason":"' in text and text.rstrip().endswith("[DONE]") else "silent"


def killed(fleet: WholeFleet, kill: Callable[[], None], alive: Sequence[WholeServer], waits: str) -> dict[str, Any]:
    """Kill something in the middle of eight answers, and see what becomes of them, of new ones and of a change.

    Args:
        fleet: All of it serves.
        kill: Kills a part of it.
        alive: The front ends that go on.
        waits: What an add waits for: `lease`, or `nothing`.

    Raises:
        httpx.HTTPError: A front end that lives refused a change or did not answer.
    """
    pair = load_demo().general[0]
    word = distinctive(pair)[-1]
    streams = Streams()
    with alive[0].client() as client:
        client.post("/v1/forget-targets", json=banning("killed", word)).raise_for_status()
        threads = [
            threading.Thread(target=streams.follow, args=(fleet.fronts[at % 2].url, pair.question, word)) for at in range(8)
        ]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        kill()
        begun = time.monotonic()
        client.post("/v1/forget-targets", json={"id": "after", "name": "After All"}).raise_for_status()
        add_s = time.monotonic() - begun
        for thread in threads:
            thread.join(180)
        if add_s > SLACK_S + (LEASE_S if waits == "lease" else 0):
            streams.failures.append(f"an add took {add_s:.1f} s")
        for name in ("killed", "after"):
            client.delete(f"/v1/forget-targets/{name}").raise_for_status()
    return {"ends": dict(streams.ends), "add_s": add_s, "failures": streams.failures}


def goes_on(fronts: Sequence[WholeServer], pair: QAPair) -> tuple[float, list[str]]:
    """Return the seconds until each front end gives a pair's answer ten times in a row, and what did not hold."""
    begun = time.monotonic()
    for front in fronts:
        row = 0
        while row < 10:
            if time.monotonic() - begun > _GOES_ON_S:
                return time.monotonic() - begun, [f"after {_GOES_ON_S:g} s not all answers are what they were"]
            row = row + 1 if _answers(front.url, pair) else 0
    return time.monotonic() - begun, []


def _answers(url: str, pair: QAPair) -> bool:
    try:
        return said(ask(url, pair.question)) == pair.answer
    except httpx.HTTPError:
        return False


def kills(fleet: WholeFleet) -> dict[str, Any]:
    """Kill an engine, then the router, then a front end; start each again. Return figures, and what did not hold.

    Raises:
        FleetError: What was killed does not serve again.
        httpx.HTTPError: A front end that lives refused a change or did not answer.
    """
    pair = load_demo().general[1]
    found: dict[str, Any] = {}
    parts = {
        "engine": (fleet.engines[0].kill, fleet.engines[0].start, fleet.fronts, "lease"),
        "router": (fleet.router.kill, fleet.router.start, fleet.fronts, "nothing"),
        "front_end": (fleet.fronts[1].kill, fleet.fronts[1].start, fleet.fronts[:1], "lease"),
    }
    for name, (kill, start, alive, waits) in tqdm(parts.items(), desc="killing"):
        one = killed(fleet, kill, alive, waits)
        if name == "router":
            # Nobody else passes anything on.
            if ask(fleet.fronts[0].url, pair.question).status_code != 503:
                one["failures"].append("without a router an answer has not status 503")
        else:
            one["others_go_on_s"], more = goes_on(alive, pair)
            one["failures"] += more
        begun = time.monotonic()
        start()
        fleet.settle()
        one["back_s"] = time.monotonic() - begun
        one["failures"] += goes_on(fleet.fronts, pair)[1]
        found[name] = one
    return found | {"failures": [f"{name}: {text}" for name, one in found.items() for text in one.pop("failures")]}


def restarted(fleet: WholeFleet) -> dict[str, Any]:
    """Restart PostgreSQL, with longer than a lease between. Return figures, and what did not hold.

    Raises:
        ClusterError: PostgreSQL did not stop or start.
        FleetError, ServerError: Something does not serve again.
    """
    pair = load_demo().general[2]
    failures: list[str] = []
    fleet.cluster.stop()
    stopped = time.monotonic()
    if ask(fleet.fronts[0].url, pair.question).status_code not in (200, 503):
        failures.append("just after the store's end an answer has neither status 200 nor 503")
    with fleet.fronts[0].client() as client:
        if client.post("/v1/forget-targets", json={"id": "lost", "name": "Lost One"}).status_code != 503:
            failures.append("a change without the store has not status 503")
    while (left := stopped + LEASE_S + 1 - time.monotonic()) > 0:
        time.sleep(left)
    statuses = [ask(front.url, pair.question).status_code for front in fleet.fronts]
    if set(statuses) != {503}:
        failures.append(f"after the lease answers have the statuses {statuses}")
    if any(engine.ready for engine in fleet.engines):
        failures.append("after the lease an engine is open")
    fleet.cluster.start()
    begun = time.monotonic()
    fleet.settle()
    back_s = time.monotonic() - begun
    more = adds(fleet, 4)
    return {"back_s": back_s, "add_ms": more["add_ms"], "failures": failures + more["failures"]}
