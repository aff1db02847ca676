"""The drills find what does not hold, in a fleet without models. `python -m evaluation.fleet` runs them on a real one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from evaluation.demo import load_demo
from evaluation.fleet import drills
from evaluation.fleet.drills import Streams
from tests.evaluation.fleet.fakes import Policy, fake_fleet

PAIR = load_demo().general[0]


def test_the_words_are_those_that_the_question_does_not_have() -> None:
    for pair in load_demo().general:
        words = drills.distinctive(pair)
        assert words
        assert all(word in pair.answer for word in words)
        assert not {word.lower() for word in words} & set(pair.question.lower().strip("?").split())


@pytest.mark.parametrize("deaf", [False, True])
@pytest.mark.slow
def test_adds_in_turn(deaf: bool) -> None:
    policy = Policy(deaf=deaf)
    with fake_fleet(policy) as fleet:
        found = drills.adds(fleet, 3)
    assert found["add_ms"]["count"] == 3
    assert bool(found["failures"]) is deaf
    assert policy.targets == {}


@pytest.mark.slow
def test_what_changes_the_answer_for_good_is_a_failure() -> None:
    policy = Policy()
    with fake_fleet(policy) as fleet:
        found = drills.adds(fleet, 1)
        assert found["failures"] == []
        policy.targets["other"] = drills.banning("other", drills.distinctive(PAIR)[-1])
        known = [
            pair for pair in load_demo().general if drills.said(drills.ask(fleet.fronts[0].url, pair.question)) != pair.answer
        ]
        assert PAIR in known
        assert drills.goes_on(fleet.fronts, load_demo().general[1])[1] == []


def test_answers_that_never_come_back_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "_GOES_ON_S", 0.2)
    with fake_fleet(Policy(status=503)) as fleet:
        seconds, failures = drills.goes_on(fleet.fronts, PAIR)
    assert seconds > 0.2
    assert failures == ["after 0.2 s not all answers are what they were"]


@pytest.mark.parametrize(
    ("status", "text", "end"),
    [
        (503, "", "503"),
        (200, 'data: {"error":{}}\n\ndata: [DONE]\n\n', "error"),
        (200, 'data: {"finish_reason":"stop"}\n\ndata: [DONE]\n\n', "whole"),
        (200, 'data: {"finish_reason":null}\n\ndata: [DONE]\n\n', "silent"),
        (200, 'data: {"finish_reason":"stop"}\n\n', "silent"),
    ],
)
def test_how_an_answer_ends(status: int, text: str, end: str) -> None:
    assert drills._end(status, text) == end


@pytest.mark.parametrize(("deaf", "failures"), [(False, []), (True, ["an answer says what is banned"] * 8)])
@pytest.mark.slow
def test_answers_while_something_is_killed(deaf: bool, failures: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    killed: list[int] = []
    with fake_fleet(Policy(deaf=deaf)) as fleet:
        found = drills.killed(fleet, lambda: killed.append(1), fleet.fronts, "nothing")
    assert killed == [1]
    assert found["ends"] == {"whole": 8}
    assert found["failures"] == failures


def test_a_connection_that_breaks_is_an_end_of_its_own() -> None:
    streams = Streams()
    streams.follow("http://127.0.0.1:1", PAIR.question, "x")
    assert (streams.ends, streams.failures) == ({"broken": 1}, [])


@pytest.mark.slow
def test_each_part_is_killed_and_comes_back() -> None:
    done: list[str] = []

    def part(name: str) -> Any:
        return SimpleNamespace(kill=lambda: done.append(f"kill {name}"), start=lambda: done.append(f"start {name}"))

    with fake_fleet(Policy()) as fleet:
        fleet.engines, fleet.router = [part("engine")], part("router")
        fleet.fronts[1].kill, fleet.fronts[1].start = part("front").kill, part("front").start
        fleet.settle = lambda: done.append("settle")
        found = drills.kills(fleet)
    steps = [[f"kill {name}", f"start {name}", "settle"] for name in ("engine", "router", "front")]
    assert done == [step for each in steps for step in each]
    # The fake front ends answer without a router, and the drill reports that.
    assert found["failures"] == ["router: without a router an answer has not status 503"]
    assert found["engine"]["ends"] == {"whole": 8}


@pytest.mark.slow
def test_a_store_that_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "LEASE_S", 0.0)
    policy, done = Policy(), list[str]()
    with fake_fleet(policy) as fleet:
        fleet.cluster = SimpleNamespace(
            stop=lambda: setattr(policy, "status", 503) or done.append("stop"),
            start=lambda: setattr(policy, "status", 200) or done.append("start"),
        )
        fleet.engines = [SimpleNamespace(ready=False)] * 2
        fleet.settle = lambda: done.append("settle")
        found = drills.restarted(fleet)
        assert (done, found["failures"]) == (["stop", "start", "settle"], [])
        fleet.cluster.stop = lambda: None
        fleet.engines = [SimpleNamespace(ready=True)] * 2
        assert len(drills.restarted(fleet)["failures"]) == 3
