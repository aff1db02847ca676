"""Kill a whole server with its engine in the middle of an import, and look at what it leaves.

The trial sends an import over HTTP and kills all processes of the server at a random time after that. The server that starts then
on the same data enforces all targets of the import or none of them, and all targets of earlier imports; its audit log verifies.
`python -m evaluation.targets.kills --engine 5` does this after the kills of a single process.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from evaluation.targets.wholeserver import WholeServer

TARGETS = 200
LEAST_S, MOST_S = 0.02, 10.0


def moments(points: int, rng: random.Random) -> list[float]:
    """Return when to kill, in seconds after sending the import: one random moment in each of `points` equal ranges, shuffled.

    The ranges are equal in logarithm, from `LEAST_S` to `MOST_S`: storing takes a small part of the time of enforcing, and some
    kills should fall on each of the two, on fast machines and on slow ones.
    """
    made = [LEAST_S * (MOST_S / LEAST_S) ** ((at + rng.random()) / points) for at in range(points)]
    rng.shuffle(made)
    return made


class Import:
    """A request that imports targets, sent by a thread."""

    def __init__(self, server: WholeServer, targets: list[dict[str, Any]]) -> None:
        self._server = server
        self._lines = "\n".join(map(json.dumps, targets))
        self._thread = threading.Thread(target=self._send)
        self.confirmed = False
        """Whether the server answered that it enforces all of it."""

    def _send(self) -> None:
        try:
            with self._server.client(timeout_s=600) as client:
                headers = {"content-type": "application/jsonl"}
                answer = client.post("/v1/forget-targets:import", content=self._lines, headers=headers)
            self.confirmed = answer.status_code == 200
        except httpx.TransportError:
            pass  # the server was killed, as this trial wants it

    def kill_after(self, seconds: float) -> None:
        """Send the request, and kill the server `seconds` later."""
        sent = time.monotonic()
        self._thread.start()
        time.sleep(max(0.0, sent + seconds - time.monotonic()))
        self._server.kill()
        self._thread.join()


def play(model: str, points: int, seed: int = 0) -> list[dict[str, Any]]:
    """Kill a server at `points` random moments; return each moment and what the next server found.

    Raises:
        AssertionError: a server enforced only a part of an import, lost a confirmed one, or its audit log does not verify.
        ServerError: a server did not start.
    """
    from evaluation.targets.facts import facts
    from evaluation.targets.measure import invented

    rng = random.Random(seed)  # noqa: S311
    found: list[dict[str, Any]] = []
    known = iter(facts())
    with tempfile.TemporaryDirectory() as folder, WholeServer(model, Path(folder)) as server:
        server.start()
        server.wait()
        with server.client(timeout_s=600) as client:
            # So the first import, too, finds a target in force and an audit log with records. The first example also has the
            # server encode the innocent prompts, which then does not happen in the middle of an import.
            first = next(fact for fact in known if fact.said(client))
            client.post("/v1/forget-targets", json=first.target("first")).raise_for_status()
        there = 1
        for number, seconds in enumerate(tqdm(moments(points, rng), desc="kills of a server", file=sys.stderr)):
            with server.client() as client:
                # The model does not know every fact by heart.
                fact = next(fact for fact in known if fact.said(client))
            asked = fact.target(f"fact-{number}")
            targets = [*invented(TARGETS - 1, seed=seed + number), asked]
            rng.shuffle(targets)
            sent = Import(server, targets)
            sent.kill_after(seconds)
            server.start()
            restart_s = server.wait()
            new = _left(server, targets, there)
            assert new or not sent.confirmed, "the server confirmed the import, and the next one does not know it"
            with server.client() as client:
                assert fact.said(client) is not new, f"the import is there: {new}; an answer says what it forbids: {not new}"
                assert not first.said(client), "an answer says what a target before the import forbids"
            assert server.audit_verify(), "the audit log does not verify"
            there += TARGETS if new else 0
            state = "new" if new else "old"
            found.append({"after_s": seconds, "state": state, "confirmed": sent.confirmed, "restart_s": restart_s})
    return found


def _left(server: WholeServer, targets: list[dict[str, Any]], before: int) -> bool:
    """Return whether the import is there, beside the `before` targets of others. Raises AssertionError if only a part is."""
    from evaluation.targets.facts import restricts, screened, unsettled

    with server.client() as client:
        policy = client.get("/v1/policy").raise_for_status().json()
        counts = policy["targets"]
        new = bool(counts["active"] == before + len(targets))
        assert new or counts["active"] == before, counts
        assert counts["pending"] == 0, counts
        assert not (problem := unsettled(policy, policy["snapshot"])), problem
        for target in targets:
            status = client.get(f"/v1/forget-targets/{target['id']}").status_code
            assert status == (200 if new else 404), f"the import is there: {new}; the status of one of its targets is {status}"
        # A name, and the words of an example.
        for target in targets[:20]:
            for text in (f"Tell me about {target['name']}.", target["examples"][0]["prompt"]):
                assert restricts(screened(client, text), target["id"]) is new, f"there: {new}; screening says otherwise"
    return new
