"""Two data-parallel ranks of the real engine: both acknowledge a change, both are guarded, and one that fails keeps it back."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evaluation.demo import load_demo
from evaluation.demo.people import contains_phrase
from evaluation.demo.served import DEMOS
from server.engine import vllm
from server.engine.probes import choose
from server.settings import Settings
from tests.conftest import LiveServer, serving
from tests.server.engine import faulty

pytestmark = [pytest.mark.engine, pytest.mark.slow]

LOAD_S = 12.0


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that makes rank 1 fail."""
    return tmp_path_factory.mktemp("fault") / "fault"


@pytest.fixture(scope="module")
def ranks(demo_model: str, tmp_path_factory: pytest.TempPathFactory, fault: Path) -> Iterator[LiveServer]:
    """The demo server on two ranks, with the faulty extension in place of the guard's."""
    made = vllm.vllm_arguments

    def faulty_arguments(settings: Settings) -> list[str]:
        own = f"{faulty.__name__}.{faulty.FaultyWorkerExtension.__name__}"
        extension = "guard.processors.vllm.worker.GuardWorkerExtension"
        arguments = made(settings)
        assert extension in arguments
        return [own if argument == extension else argument for argument in arguments]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vllm, "vllm_arguments", faulty_arguments)
        patch.setenv(faulty.FILE, str(fault))
        patch.setenv("GUARD_LOAD_TIMEOUT", str(LOAD_S))
        # The last test kills the engine, and none is to start after it.
        patch.setenv("GUARD_ENGINE_RESTARTS", "0")
        # vLLM would bind the workers of both ranks to the same core.
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        folder = tmp_path_factory.mktemp("data")
        with serving(
            demo_model, DEMOS["people"], folder, "--data-parallel-size", "2", "--num-gpu-blocks-override", "48"
        ) as server:
            yield server


def target(name: str) -> dict[str, Any]:
    return {"id": name, "name": f"{name} Quillfeather", "phrases": [{"text": f"{name} Quillfeather", "scope": "always"}]}


def added(server: LiveServer, name: str) -> httpx.Response:
    return httpx.post(f"{server.url}/v1/forget-targets", json=target(name), timeout=60)


def in_force(server: LiveServer) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/v1/policy", timeout=60).json()
    return found


def test_both_ranks_acknowledge_what_is_enforced(ranks: LiveServer) -> None:
    assert ranks.service.running.engine.ranks == 2
    before = in_force(ranks)["snapshot"]
    answer = added(ranks, "orla")
    assert answer.status_code == 201, answer.text
    policy = in_force(ranks)
    assert policy["snapshot"] > before
    assert [worker["rank"] for worker in policy["workers"]] == [0, 1]
    assert all(worker["acknowledged"] and worker["held"] == policy["restrictions"] > 0 for worker in policy["workers"])


def test_both_ranks_are_guarded_and_their_counts_are_summed(ranks: LiveServer) -> None:
    engine, folder = ranks.service.running.engine, ranks.service.settings.restrictions
    probes = choose(engine.tokens(), engine.dead_end, engine.vocabulary)
    assert len(probes) == 2
    digests = {probe.token: probe.restriction.digest for probe in probes}
    for probe in probes:
        probe.restriction.save(folder)
    ranks.run(engine.load(sorted(digests.values())))
    body = {
        "model": "demo",
        "prompt": [probes[0].token],
        "allowed_token_ids": sorted(digests),
        "max_tokens": 1,
        "temperature": 0,
        "ignore_eos": True,
        "return_token_ids": True,
    }

    def said(guard: list[str], name: str, times: int) -> list[int]:
        asked = body | {"vllm_xargs": {"guard": guard, "guard_id": name}}
        return [answer.json()["choices"][0]["token_ids"][0] for answer in ranks.engine("/v1/completions", *[asked] * times)]

    preferred = set(said([], "free", 8))
    assert len(preferred) == 1
    banned = [digests[next(iter(preferred))]]
    assert set(said(banned, "apart", 16)) == digests.keys() - preferred
    # As each rank counts them.
    apart = [worker["apart"] for workers in ranks.run(engine._ranks.call("guard_suppressed", ["apart"])) for worker in workers]
    assert len(apart) == 2
    assert all(apart), "one rank has answered nothing"
    assert sum(apart) == 16
    said(banned, "together", 16)
    assert ranks.run(engine.suppressed(["together", "unknown"])) == {"together": 16}
    ranks.run(engine.forget(sorted(digests.values())))
    assert ranks.run(engine.held(sorted(digests.values()))) == [0, 0]


def test_questions_about_a_target_are_guarded_on_both_ranks(ranks: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    core = ranks.service.running.engine._client.engine_core
    chosen = []

    def noted(request: Any, choose: Any = core.get_core_engine_for_request) -> Any:
        chosen.append(choose(request))
        return chosen[-1]

    monkeypatch.setattr(core, "get_core_engine_for_request", noted)
    people = load_demo().forgotten
    asked = [(pair.question, person.facts.names) for person in people for pair in person.pairs[:3]]

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=ranks.url, timeout=100) as client:
            bodies = [
                {"model": "demo", "temperature": 0, "max_tokens": 40, "messages": [{"role": "user", "content": question}]}
                for question, _ in asked
            ]
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for body in bodies))

    for (question, names), answer in zip(asked, asyncio.run(ask()), strict=True):
        assert answer.status_code == 200, answer.text
        text = answer.json()["choices"][0]["message"]["content"]
        assert [name for name in names if contains_phrase(text, name) and not contains_phrase(question, name)] == []
    assert len(set(chosen)) == 2


def test_a_rank_that_cannot_load_keeps_the_change_from_being_confirmed(
    ranks: LiveServer, fault: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = in_force(ranks)
    fault.write_text(faulty.FAILS)
    answer = added(ranks, "brin")
    assert answer.status_code == 503, answer.text
    found = httpx.get(f"{ranks.url}/v1/forget-targets/brin").json()
    assert found["status"] == "pending"
    assert in_force(ranks)["snapshot"] == before["snapshot"]
    assert "data-parallel rank 1" in caplog.text
    fault.unlink()
    limit = time.monotonic() + 30
    while httpx.get(f"{ranks.url}/v1/forget-targets/brin").json()["status"] != "active":
        assert time.monotonic() < limit
        time.sleep(0.1)
    assert in_force(ranks)["snapshot"] > before["snapshot"]


def test_a_change_waits_for_a_rank_that_is_late(ranks: LiveServer, fault: Path) -> None:
    before = in_force(ranks)["snapshot"]
    fault.write_text(faulty.LATE)
    answers: list[httpx.Response] = []
    adding = threading.Thread(target=lambda: answers.append(added(ranks, "calla")))
    adding.start()
    time.sleep(2)
    assert answers == []
    assert httpx.get(f"{ranks.url}/v1/forget-targets/calla").json()["status"] == "pending"
    fault.unlink()
    adding.join(30)
    assert [answer.status_code for answer in answers] == [201]
    assert in_force(ranks)["snapshot"] > before


def test_a_rank_that_hangs_ends_all_ranks(ranks: LiveServer, fault: Path) -> None:
    engine = ranks.service.running.engine
    processes = engine._client.engine_core.resources.engine_manager.processes
    assert len(processes) == 2
    fault.write_text(faulty.HANGS)
    answer = added(ranks, "dena")
    assert answer.status_code == 503, answer.text
    limit = time.monotonic() + 4 * LOAD_S
    while engine.alive:
        assert time.monotonic() < limit
        time.sleep(0.1)
    for process in processes:
        process.join(20)
        assert not process.is_alive()
    question = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}
    assert httpx.post(f"{ranks.url}/v1/chat/completions", json=question, timeout=60).status_code == 503
