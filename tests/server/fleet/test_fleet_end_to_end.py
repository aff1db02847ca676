"""One real `vllm serve` with the plugin, and a front end in front of it: guarded as in one process, and shut without a lease."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from evaluation.demo import contains_phrase, load_demo
from evaluation.demo.served import DEMOS
from evaluation.fleet.drills import SLACK_S, Streams, distinctive
from evaluation.fleet.processes import wait_until
from server.engine.remote import LEASE_S
from tests.server.fleet.processes import OneEngine, one_engine

pytestmark = pytest.mark.engine

DEMO = load_demo()


class Fleet(OneEngine):
    """It is asked by a real client."""

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.front.url}/v1", api_key="none", max_retries=0)

    def said(self, question: str, **others: Any) -> Any:
        """Return the choice that answers a question."""
        messages: Any = [{"role": "user", "content": question}]
        return self.client.chat.completions.create(
            model="demo", messages=messages, max_tokens=60, temperature=0, **others
        ).choices[0]

    def metric(self, name: str) -> float:
        lines = httpx.get(f"{self.front.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


@pytest.fixture(scope="module")
def fleet(demo_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with one_engine(demo_model, DEMOS["people"], tmp_path_factory.mktemp("fleet")) as made:
        yield Fleet(made.front, made.engine, made.cable)


def test_answers_are_guarded_as_in_one_process(fleet: Fleet) -> None:
    for person in DEMO.forgotten:
        for pair in person.pairs[:5]:
            said = fleet.said(pair.questions[0]).message.content or ""
            assert not [fact for fact in person.facts if contains_phrase(said, fact)]
    known = DEMO.general[0]
    assert fleet.said(known.questions[0]).message.content == known.answer


def test_a_stream_is_the_same_answer_in_parts(fleet: Fleet) -> None:
    known = DEMO.general[0]
    messages: Any = [{"role": "user", "content": known.questions[0]}]
    chunks = fleet.client.chat.completions.create(model="demo", messages=messages, max_tokens=60, temperature=0, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == known.answer


def test_the_engine_itself_refuses_what_no_front_end_has_screened(fleet: Fleet) -> None:
    assert fleet.engine.complete().status_code == 400
    assert fleet.engine.complete(vllm_xargs={"guard": []}).status_code == 200
    unknown = fleet.engine.complete(vllm_xargs={"guard": ["0" * 64]}).json()
    assert unknown["choices"][0]["text"] == ""


def test_a_target_is_enforced_before_the_answer_ten_times_in_turn(fleet: Fleet) -> None:
    seconds = []
    for number in range(10):
        known = DEMO.general[number]
        word = distinctive(known)[-1]
        target = {"id": f"turn-{number}", "name": f"Turn Number {number}", "answer": "mask"}
        target |= {"phrases": [{"text": word, "scope": "always", "force": True}]}
        begun = time.monotonic()
        answer = httpx.post(f"{fleet.front.url}/v1/forget-targets", json=target, timeout=60)
        seconds.append(time.monotonic() - begun)
        assert answer.status_code == 201, answer.text
        policy = httpx.get(f"{fleet.front.url}/v1/policy").json()
        assert [worker["acknowledged"] for worker in policy["workers"]] == [True]
        assert not contains_phrase(fleet.said(known.questions[0]).message.content or "", word)
        assert httpx.delete(f"{fleet.front.url}/v1/forget-targets/turn-{number}", timeout=60).status_code < 300
        assert fleet.said(known.questions[0]).message.content == known.answer
    assert sorted(seconds)[5] < 2


def test_an_answer_that_rolls_back_goes_on_through_the_engine(fleet: Fleet) -> None:
    known = DEMO.general[2]
    word = distinctive(known)[0]
    target = {
        "id": "work",
        "name": "Some Work",
        "answer": "rephrase",
        "phrases": [{"text": word, "scope": "always", "force": True}],
    }
    assert httpx.post(f"{fleet.front.url}/v1/forget-targets", json=target, timeout=60).status_code == 201
    try:
        before = fleet.metric("guard_rollbacks_total")
        for stream in (False, True):
            messages: Any = [{"role": "user", "content": known.questions[0]}]
            made = fleet.client.chat.completions.create(
                model="demo", messages=messages, max_tokens=60, temperature=0, stream=stream
            )
            text = (
                "".join(chunk.choices[0].delta.content or "" for chunk in made if chunk.choices)
                if stream
                else made.choices[0].message.content or ""
            )
            assert text
            assert not contains_phrase(text, word)
        assert fleet.metric("guard_rollbacks_total") > before
    finally:
        httpx.delete(f"{fleet.front.url}/v1/forget-targets/work", timeout=60)


def test_a_client_that_leaves_ends_the_request_in_the_engine(fleet: Fleet) -> None:
    messages: Any = [{"role": "user", "content": DEMO.general[0].questions[0]}]
    body = {"model": "demo", "messages": messages, "max_tokens": 1500, "stream": True, "ignore_eos": True}
    with httpx.stream("POST", f"{fleet.front.url}/v1/chat/completions", json=body, timeout=60) as answer:
        next(answer.iter_raw())

    def running() -> float:
        lines = httpx.get(f"{fleet.engine.url}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:num_requests_running"))

    wait_until(lambda: running() == 0, 5, "the engine works on nothing")


def test_an_engine_that_is_cut_off_shuts_itself_within_its_lease_and_comes_back_current(fleet: Fleet) -> None:
    fleet.cable.cut()
    took = wait_until(lambda: not fleet.engine.ready, LEASE_S + 1, "the engine is shut")
    assert took <= LEASE_S
    assert fleet.engine.complete(vllm_xargs={"guard": []}).status_code == 503
    with pytest.raises(openai.APIStatusError) as refused:
        fleet.said(DEMO.general[0].questions[0])
    assert refused.value.status_code == 503
    # Nobody waits for it: the store has given it up.
    target = {"id": "meanwhile", "name": "Mean While"}
    begun = time.monotonic()
    assert httpx.post(f"{fleet.front.url}/v1/forget-targets", json=target, timeout=60).status_code == 201
    assert time.monotonic() - begun < LEASE_S
    fleet.cable.mend()
    wait_until(lambda: fleet.engine.ready, 30, "the engine is back")
    policy = httpx.get(f"{fleet.front.url}/v1/policy").json()
    assert [worker["acknowledged"] for worker in policy["workers"]] == [True]
    assert fleet.said(DEMO.general[0].questions[0]).message.content == DEMO.general[0].answer


def test_an_engine_that_is_killed_leaves_no_answer_that_only_looks_whole_and_an_add_waits_for_its_lease(
    fleet: Fleet,
) -> None:
    streams = Streams()
    pair, word = DEMO.general[0], DEMO.forgotten[0].facts.titles[0]
    # As many as an engine on two cores needs seconds for.
    threads = [threading.Thread(target=streams.follow, args=(fleet.front.url, pair.question, word)) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    fleet.engine.kill()
    begun = time.monotonic()
    target = {"id": "after", "name": "Af Ter"}
    assert httpx.post(f"{fleet.front.url}/v1/forget-targets", json=target, timeout=60).status_code == 201
    assert time.monotonic() - begun < LEASE_S + SLACK_S
    for thread in threads:
        thread.join(60)
    assert streams.failures == []
    assert streams.ends["error"] > 0, streams.ends
    assert sum(streams.ends.values()) == 16
    assert httpx.get(f"{fleet.front.url}/ready").status_code == 503
