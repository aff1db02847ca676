"""The real engine is killed, or hangs: the server says so, starts another one, proves it, and guards its answers."""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from evaluation.demo import load_demo
from evaluation.demo.people import contains_phrase
from evaluation.demo.served import DEMOS
from evaluation.fleet.processes import wait_until
from tests.conftest import serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def streamed(
    url: str, bodies: list[dict[str, Any]], events: list[list[str]], begun: list[threading.Event]
) -> list[threading.Thread]:
    """Stream answers on threads; note the data of their events, and when each has begun."""

    def follow(at: int) -> None:
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=bodies[at], timeout=100) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    events[at].append(line.removeprefix("data: "))
                    begun[at].set()

    threads = [threading.Thread(target=follow, args=(at,)) for at in range(len(bodies))]
    for thread in threads:
        thread.start()
    return threads


MARK = "zyxprompt"
SILENT_S = 15
"""Seconds of silence after which a worker counts as dead."""


def assert_secret(told: str, phrases: tuple[str, ...]) -> None:
    """Fail if a text has a prompt or a phrase of the policy in it."""
    assert MARK not in told.lower()
    for phrase in phrases:
        assert not contains_phrase(told, phrase), phrase


@pytest.mark.timeout(600)
def test_a_killed_engine_is_told_at_once_and_started_again_and_so_is_one_that_hangs(
    demo_model: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GUARD_LOAD_TIMEOUT", str(SILENT_S))
    forgotten = load_demo().forgotten[0]
    question = {"model": "demo", "temperature": 0, "messages": [{"role": "user", "content": forgotten.pairs[0].question}]}
    long = {"model": "demo", "stream": True, "max_tokens": 1500, "ignore_eos": True, "temperature": 2.0}
    long["messages"] = [{"role": "user", "content": f"What is the tallest tower, {MARK}?"}]
    about = long | {"messages": question["messages"]}
    with serving(demo_model, DEMOS["people"], tmp_path) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        mine = server.service.running.engine._client.engine_core.resources.engine_manager.processes
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                assert_secret(f"{process.cmdline()} {process.environ()}", forgotten.facts.names)
        events: list[list[str]] = [[], []]
        begun = [threading.Event(), threading.Event()]
        threads = streamed(server.url, [long, about], events, begun)
        assert begun[0].wait(60)
        for process in mine:
            process.kill()
        killed = time.monotonic()
        for process in mine:
            process.join(10)
        time.sleep(0.2)
        for answer in (client.get("/ready"), client.post("/v1/chat/completions", json=question)):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) > 0
        assert time.monotonic() - killed < 5
        # Streams in progress do not end in silence.
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()
        assert "error" in json.loads(events[0][-2]), events[0][-3:]
        assert events[0][-1] == "[DONE]"
        if events[1]:
            assert events[1][-1] == "[DONE]"
        while client.get("/ready").status_code != 200:
            assert server.service.failure is None
            assert time.monotonic() < killed + 240
            time.sleep(0.2)
        answer = client.post("/v1/chat/completions", json=question)
        assert answer.status_code == 200
        assert answer.json()["choices"][0]["finish_reason"] == "content_filter"
        for fact in forgotten.facts.names:
            assert not contains_phrase(answer.json()["choices"][0]["message"]["content"], fact) or fact in str(question)
        # A worker that hangs instead, as far as anybody outside can tell: it is killed when it has been silent for too long.
        engine = psutil.Process(server.service.running.engine._client.engine_core.resources.engine_manager.processes[0].pid)
        worker = next(each for each in engine.children() if "Worker" in " ".join(each.cmdline()))
        worker.send_signal(signal.SIGSTOP)
        wait_until(lambda: client.get("/ready").status_code != 200, 3 * SILENT_S, "the server notices that the worker hangs")
        assert client.post("/v1/chat/completions", json=question).status_code == 503
        wait_until(lambda: not worker.is_running(), 30, "the worker that hung is gone")
        wait_until(lambda: client.get("/ready").status_code == 200, 240, "another engine serves")
        answer = client.post("/v1/chat/completions", json=question)
        assert answer.json()["choices"][0]["finish_reason"] == "content_filter"
    # vLLM's own processes inherit these: what they wrote when they started, served, were killed and ended has no secret.
    told = capfd.readouterr()
    assert "the engine died" in caplog.text
    assert "EngineCore" in told.out + told.err
    assert_secret(told.out + told.err, forgotten.facts.names)
