"""The workers of all data-parallel ranks: each of them has to answer, and what they answer is put together."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import psutil
import pytest

from server.engine.ranks import Ranks
from server.errors import EngineFailure
from tests.server.engine.clients import Client, Process


def ranks_of(client: Client, timeout: float = 0.05) -> Ranks:
    return Ranks(client, timeout, asyncio.Event())


def told(*held: str, **failed: str) -> dict[str, Any]:
    return {"held": list(held), "failed": failed}


async def test_workers_that_share_a_model_count_the_same_tokens_and_ranks_count_others() -> None:
    client = Client([{"a": 2, "b": 0}, {"a": 3, "c": 1}, {}], [{"a": 4}, {"a": 4, "e": 2}])
    assert await ranks_of(client).suppressed(("a", "b", "c", "d", "e")) == {"a": 7, "b": 0, "c": 1, "e": 2}
    assert client.calls == [("guard_suppressed", ["a", "b", "c", "d", "e"])]


async def test_each_worker_says_what_it_holds() -> None:
    client = Client([2, 1], [0, 2])
    assert await ranks_of(client).held(("a", "b")) == [2, 1, 0, 2]
    assert client.calls == [("guard_held", ["a", "b"])]


async def test_loading_goes_on_until_the_last_rank_holds_everything() -> None:
    client = Client([told("a", "b")], [told("a")])
    loading = asyncio.create_task(ranks_of(client, 5).load(["b", "a"]))
    await asyncio.sleep(0.05)
    assert not loading.done()
    client.ranks[1] = [told("b")]
    await asyncio.wait_for(loading, 2)
    assert client.calls[0] == ("guard_load", ["a", "b"])
    # What all of them hold is not asked for again.
    assert client.calls[-1] == ("guard_load", ["b"])


async def test_a_rank_that_cannot_load_is_named() -> None:
    client = Client([told("a", "b")], [told("a", b="no such file")])
    with pytest.raises(EngineFailure, match=r"worker of data-parallel rank 1 could not load 1 of 2 restrictions: no such file"):
        await ranks_of(client).load(["a", "b"])


async def test_where_there_is_one_rank_no_message_speaks_of_ranks() -> None:
    with pytest.raises(EngineFailure, match="an engine worker could not load 1 of 1 restrictions: broken"):
        await ranks_of(Client([told("a"), told(a="broken")])).load(["a"])


async def test_a_rank_that_is_slow_to_load_is_named() -> None:
    with pytest.raises(EngineFailure, match=r"worker of data-parallel rank 1 did not load 2 restrictions within 0.05 s"):
        await ranks_of(Client([told("a", "b")], [told("b")])).load(["a", "b"])


@pytest.mark.parametrize("fault", [None, RuntimeError("out of memory")])
@pytest.mark.parametrize("call", ["load", "forget", "held", "suppressed"])
async def test_a_rank_that_hangs_or_fails_is_an_engine_failure(call: str, fault: Exception | None) -> None:
    client = Client([told("a")], fault)
    with pytest.raises(EngineFailure, match=r"an engine worker failed in guard_\w+: (TimeoutError|RuntimeError)"):
        await getattr(ranks_of(client), call)(["a"])


@pytest.mark.parametrize(
    "client", [Client([told("a")], size=2), Client([told("a")], []), Client([told("a")], [told("a")], size=1)]
)
async def test_a_rank_that_cannot_be_reached_is_an_engine_failure(client: Client) -> None:
    with pytest.raises(EngineFailure, match=r"\d of the engine's \d data-parallel ranks answered guard_load; all of them must"):
        await ranks_of(client).load(["a"])


async def test_a_call_ends_when_the_engine_dies() -> None:
    dead = asyncio.Event()
    call = asyncio.create_task(Ranks(Client([0], None), 10, dead).held(["a"]))
    await asyncio.sleep(0.01)
    dead.set()
    with pytest.raises(EngineFailure, match="died during guard_held"):
        await asyncio.wait_for(call, 1)


def test_all_processes_are_killed() -> None:
    client = Client([0], [0], [0])
    ranks = ranks_of(client)
    assert ranks.running
    ranks.kill()
    assert not any(process.alive for process in client.processes)
    assert not ranks.running


@pytest.mark.slow
def test_workers_that_hang_are_killed_with_their_engine() -> None:
    code = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        worker = psutil.Process(int(engine.stdout.readline()))
        worker.suspend()
        client = Client([0])
        client.processes[:] = [Process(engine.pid)]
        ranks_of(client).kill()
        psutil.wait_procs([worker], timeout=10)
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        engine.kill()


def test_each_process_that_has_ended_is_noticed() -> None:
    for rank in (0, 1):
        client = Client([0], [0])
        client.processes[rank].kill()
        assert not ranks_of(client).running
    client = Client([0], [0])
    assert client.coordinator
    client.coordinator.proc.kill()
    assert not ranks_of(client).running
    assert ranks_of(Client([0])).running
