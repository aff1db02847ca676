"""Two real engines behind vLLM's own router, two front ends, one PostgreSQL."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from evaluation.demo import contains_phrase, load_demo
from evaluation.demo.served import DEMOS
from evaluation.targets.cluster import ClusterError, binaries, running
from tests.conftest import LiveServer
from tests.server.fleet.processes import (
    EngineProcess,
    fleet_settings,
    free_port,
    front_end,
    settled,
    told,
    vllm_serve,
    wait_until,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]

DEMO = load_demo()
LEASE_S = 10.0
TIMES = 30


@dataclass
class Fleet:
    """Two front ends, two engines, and the router between them."""

    fronts: list[LiveServer]
    engines: list[EngineProcess]
    router: str


@pytest.fixture(scope="module")
def fleet(demo_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    program = shutil.which("vllm-router")
    if program is None:
        pytest.skip("vllm-router is not installed: pip install vllm-router==0.1.17")
    try:
        binaries()
    except ClusterError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("fleet")
    demo = DEMOS["people"]
    ports, router_port = [free_port(), free_port()], free_port()
    router = f"http://127.0.0.1:{router_port}"
    with ExitStack() as stack:
        database = stack.enter_context(running(durable=False)).create_database()
        fronts = []
        for name in ("one", "two"):
            policy = {"policy": demo.policy} if name == "one" else {}
            settings = fleet_settings(demo_model, router, folder / name, database=database, **policy)
            front = stack.enter_context(front_end(settings))
            fronts.append(front)
            # One after the other: two threads of one process cannot load models at the same time.
            wait_until(lambda front=front: "classifier" in front.service.seconds, 120, "its encoder is loaded")  # type: ignore[misc]
        engines = [
            stack.enter_context(vllm_serve(demo_model, demo.engine, fronts[at].url, folder / f"engine-{at}", port))
            for at, port in enumerate(ports)
        ]
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        command = [
            *(program, "--host", "127.0.0.1", "--port", str(router_port), "--worker-urls", *urls, "--policy", "round_robin"),
            *(
                "--health-check-endpoint",
                "/guard/ready",
                "--health-check-interval-secs",
                "1",
                "--prometheus-port",
                str(free_port()),
            ),
        ]
        log = stack.enter_context((folder / "router.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        stack.callback(process.wait, 30)
        stack.callback(process.send_signal, signal.SIGTERM)
        for front in fronts:
            settled(front, engines, 400)
        wait_until(lambda: all(engine.ready for engine in engines), 240, "both engines serve")
        yield Fleet(fronts, engines, router)


def digests(front: LiveServer) -> list[str]:
    """Return the restrictions of every answer of a front end."""
    return list(front.service.running.screener.snapshot.always)


def ask(front: LiveServer, question: str, **others: Any) -> httpx.Response:
    body = {"model": "demo", "messages": [{"role": "user", "content": question}], "max_tokens": 60, "temperature": 0, **others}
    return httpx.post(f"{front.url}/v1/chat/completions", json=body, timeout=60)


def test_both_front_ends_answer_guarded(fleet: Fleet) -> None:
    for front in fleet.fronts:
        for person in DEMO.forgotten:
            for pair in person.pairs[:3]:
                said = ask(front, pair.questions[0]).json()["choices"][0]["message"]["content"] or ""
                assert not [fact for fact in person.facts if contains_phrase(said, fact)]
        known = DEMO.general[0]
        assert ask(front, known.questions[0]).json()["choices"][0]["message"]["content"] == known.answer


def test_a_target_is_enforced_on_both_engines_before_the_201_each_time(fleet: Fleet) -> None:
    seconds: list[float] = []
    for number in range(TIMES):
        known = DEMO.general[number % 10]
        word = told(known)[-1]
        front = fleet.fronts[number % 2]
        target = {"id": f"turn-{number}", "name": f"Turn Number {number}", "answer": "mask"}
        target |= {"phrases": [{"text": word, "scope": "always", "force": True}]}  # type: ignore[dict-item]
        begun = time.monotonic()
        answer = httpx.post(f"{front.url}/v1/forget-targets", json=target, timeout=60)
        seconds.append(time.monotonic() - begun)
        assert answer.status_code == 201, answer.text
        for each in fleet.fronts:
            for engine in fleet.engines:
                # The prompt ends just before the word, so an engine without the restriction would say it.
                prompt = known.answer[: known.answer.index(word)].rstrip()
                asked = {"prompt": prompt or "The", "vllm_xargs": {"guard": digests(each)}, "max_tokens": 4}
                choice = engine.complete(**asked, return_token_ids=True).json()["choices"][0]
                assert not contains_phrase(choice["text"], word), (number, word)
                # An engine that lacks one of them says nothing but dead ends.
                assert choice["token_ids"][0] != each.service.running.engine.dead_end, (number, choice)
        # The other front end enforces it, too, through either engine.
        other = fleet.fronts[1 - number % 2]
        for _ in range(2):
            said = ask(other, known.questions[0]).json()["choices"][0]["message"]["content"] or ""
            assert not contains_phrase(said, word)
        assert httpx.delete(f"{other.url}/v1/forget-targets/turn-{number}", timeout=60).status_code < 300
    seconds.sort()
    print(f"add to enforced on two engines: p50 {seconds[TIMES // 2]:.3f} s, p99 {seconds[int(TIMES * 0.99) - 1]:.3f} s")


def test_an_engine_killed_in_the_middle_of_answers_leaves_errors_and_the_other_carries_on(fleet: Fleet) -> None:
    question = DEMO.general[0].questions[0]
    heard: list[tuple[int, str]] = []

    def stream(front: LiveServer) -> None:
        body = {"model": "demo", "messages": [{"role": "user", "content": question}], "max_tokens": 1200, "temperature": 0}
        body |= {"stream": True, "ignore_eos": True}
        with httpx.stream("POST", f"{front.url}/v1/chat/completions", json=body, timeout=120) as answer:
            heard.append((answer.status_code, "".join(answer.iter_text())))

    # In turn, so that both engines have some of them.
    threads = [threading.Thread(target=stream, args=(fleet.fronts[at % 2],)) for at in range(4)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    time.sleep(0.5)
    fleet.engines[0].kill()
    killed = time.monotonic()
    target = {"id": "after", "name": "Af Ter"}
    assert httpx.post(f"{fleet.fronts[0].url}/v1/forget-targets", json=target, timeout=60).status_code == 201
    assert time.monotonic() - killed < LEASE_S + 3
    for thread in threads:
        thread.join(120)
    broken = [text for _, text in heard if '"error"' in text]
    whole = [text for _, text in heard if '"finish_reason":"length"' in text]
    assert len(heard) == 4
    assert broken
    assert whole
    assert len(broken) + len(whole) == 4
    wait_until(lambda: ask(fleet.fronts[0], question).status_code == 200, 20, "the router has left the dead engine out")
    for front in fleet.fronts:
        assert ask(front, question).json()["choices"][0]["message"]["content"] == DEMO.general[0].answer
