"""Two whole servers on one PostgreSQL: the second enforces what is added at the first before the first answers 201.

`python -m evaluation.targets.pair` adds targets at either server in turn, and asks the other one at once. Then it kills one; the
other goes on when the dead one's lease is over. The killed one starts again, and before it answers anything it knows what was
added meanwhile. Both run the demo model on the real engine. The exit status is 1 if a part of this did not hold.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from tqdm import tqdm

from evaluation.targets import cluster
from evaluation.targets.figures import spread, tell
from evaluation.targets.wholeserver import START_S, WholeServer, end_by_sigterm

if TYPE_CHECKING:
    from evaluation.targets.facts import Fact

# Seconds that an add may take on a busy machine, beside the lease that it waits for.
_SLACK_S = 3.0


class Trial:
    """Two running servers, their clients, and what did not hold so far."""

    def __init__(self, servers: tuple[WholeServer, WholeServer], known: Iterator[Fact]) -> None:
        self.servers = servers
        self.clients = (servers[0].client(), servers[1].client())
        self.failures: list[str] = []
        self._known = known
        self._added = 0

    def said_fact(self, side: int) -> Fact:
        """Return the next fact that a server says: only such a fact can show that it is suppressed."""
        return next(fact for fact in self._known if fact.said(self.clients[side]))

    def add(self, side: int, fact: Fact) -> tuple[dict[str, Any], float]:
        """Add a target for a fact at a server; return the target as the server confirms it, and the seconds.

        Raises:
            httpx.HTTPError: the server refused it or did not answer.
        """
        self._added += 1
        target = fact.target(f"added-{self._added}")
        started = time.perf_counter()
        answer = self.clients[side].post("/v1/forget-targets", json=target)
        seconds = time.perf_counter() - started
        return answer.raise_for_status().json(), seconds

    def check(self, side: int, fact: Fact, told: dict[str, Any]) -> float:
        """Ask a server at once whether it enforces what another confirmed; return the seconds to its first answer."""
        from evaluation.targets.facts import restricts, screened, unsettled

        client, number, name = self.clients[side], told["snapshot"], told["id"]
        started = time.perf_counter()
        decision = screened(client, fact.question)
        seconds = time.perf_counter() - started
        if not restricts(decision, name) or decision["snapshot"] < number:
            self.failures.append(f"{name}: screened {decision['verdict']} under {decision['snapshot']}, confirmed by {number}")
        if fact.said(client):
            self.failures.append(f"{name}: an answer says what was confirmed to be forgotten")
        if not restricts(screened(client, f"Tell me about {told['name']}."), name):
            self.failures.append(f"{name}: its name is not found")
        if problem := unsettled(client.get("/v1/policy").raise_for_status().json(), number):
            self.failures.append(f"{name}: {problem}")
        return seconds

    def in_turn(self, adds: int) -> dict[str, Any]:
        """Add `adds` targets at each server in turn, and ask the other about each at once; return milliseconds."""
        taken: tuple[list[float], list[float]] = ([], [])
        asked: list[float] = []
        for number in tqdm(range(2 * adds), desc="adding at one, asking the other", file=sys.stderr):
            side = number % 2
            fact = self.said_fact(1 - side)
            told, seconds = self.add(side, fact)
            taken[side].append(1000 * seconds)
            asked.append(1000 * self.check(1 - side, fact, told))
        return {"add_ms": {"first": spread(taken[0]), "second": spread(taken[1])}, "screen_at_the_other_ms": spread(asked)}

    def first(self) -> float:
        """Add the first target that has an example; return milliseconds. Both servers encode innocent prompts for it, once."""
        fact = self.said_fact(1)
        told, seconds = self.add(0, fact)
        self.check(1, fact, told)
        return 1000 * seconds

    def kill_second(self, instance: str) -> tuple[dict[str, Any], list[Fact]]:
        """Kill the second server, which the store knows as `instance`, and add twice at the first.

        The first add waits for the end of the dead one's lease and no longer; the second does not wait.
        """
        from server.policy.lease import LEASE_S

        facts = [self.said_fact(0), self.said_fact(0)]
        self.servers[1].kill()
        peers = self.clients[0].get("/v1/policy").raise_for_status().json()["peers"]
        lease_until = next(datetime.fromisoformat(p["lease_until"]) for p in peers if p["instance"] == instance).timestamp()
        # The database is on this machine: its clock is this one.
        left = lease_until - time.time()
        told, seconds = self.add(0, facts[0])
        self.check(0, facts[0], told)
        if not left <= seconds <= LEASE_S + _SLACK_S:
            self.failures.append(f"confirmed after {seconds:.2f} s, {left:.2f} s before the dead server's lease was over")
        told, alone = self.add(0, facts[1])
        self.check(0, facts[1], told)
        if alone > _SLACK_S:
            self.failures.append(f"an add after the dead server's lease still took {alone:.2f} s")
        return {"lease_left_s": left, "add_s": seconds, "next_add_s": alone}, facts

    def restart_second(self, missed: list[Fact]) -> dict[str, Any]:
        """Start the second server again, and ask it all the time: its first answer must know what it `missed`."""
        self.servers[1].start()
        started = time.monotonic()
        first: dict[str, float] = {}
        refused: set[int] = set()

        def ask(name: str, fact: Fact, *, generate: bool) -> None:
            from evaluation.targets.facts import screened

            with self.servers[1].client() as client:
                while time.monotonic() < started + START_S:
                    try:
                        forgotten = not fact.said(client) if generate else screened(client, fact.question)["verdict"] != "allow"
                    except httpx.HTTPStatusError as error:
                        refused.add(error.response.status_code)
                    except httpx.TransportError:
                        pass
                    else:
                        first[name] = time.monotonic() - started
                        if not forgotten:
                            self.failures.append(f"restarted, its first answer ({name}) did not know what was added meanwhile")
                        return
                    time.sleep(0.02)
            self.failures.append(f"restarted, it never answered ({name})")

        asking = [
            threading.Thread(target=ask, args=(f"{kind} {number}", fact), kwargs={"generate": kind == "generate"})
            for number, fact in enumerate(missed, 1)
            for kind in ("screen", "generate")
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        if refused - {503}:
            self.failures.append(f"while it started it answered {sorted(refused)}")
        again = self.in_turn(1)
        return {"first_answer_s": first, "statuses_before": sorted(refused), "add_ms": again["add_ms"]}


def play(model: str, database: str, adds: int) -> dict[str, Any]:
    """Play all of it on an empty PostgreSQL database, and return the figures; `failures` says what did not hold.

    Raises:
        ServerError: a server did not start or did not end.
        httpx.HTTPError: a server refused a request or did not answer.
    """
    from evaluation.targets.facts import facts

    known = facts()
    random.Random(0).shuffle(known)  # noqa: S311
    with (
        tempfile.TemporaryDirectory() as folder,
        WholeServer(model, Path(folder, "first"), database) as one,
        WholeServer(model, Path(folder, "second"), database) as two,
    ):
        # One after the other: vLLM measures the free memory before it takes its own.
        one.start()
        one.wait()
        trial = Trial((one, two), iter(known))
        alone = _instances(trial.clients[0])
        two.start()
        two.wait()
        (second,) = _instances(trial.clients[0]) - alone
        first_ms = trial.first()
        found = {"first_add_ms": first_ms, **trial.in_turn(adds)}
        found["kill"], missed = trial.kill_second(second)
        found["restart"] = trial.restart_second(missed)
        return {"adds": adds, **found, "failures": trial.failures}


def _instances(client: httpx.Client) -> set[str]:
    return {peer["instance"] for peer in client.get("/v1/policy").raise_for_status().json()["peers"]}


def main() -> None:
    """Play and print the figures as JSON; exit with status 1 if something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adds", type=int, default=20, help="targets to add at each server")
    parser.add_argument("--database", help="URL of an empty PostgreSQL database (default: that of a server for the trial)")
    parser.add_argument("--record", type=Path, help="file for the figures")
    options = parser.parse_args()
    from evaluation.demo.served import demo_model

    end_by_sigterm()
    model = demo_model()
    options.postgresql = options.database is None
    with cluster.database(options) as url:
        assert url is not None
        found = play(model, url, options.adds)
    tell(found, options.record)
    sys.exit(bool(found["failures"]))


if __name__ == "__main__":
    main()
