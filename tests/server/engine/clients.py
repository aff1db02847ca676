"""A stand-in for vLLM's client: ranks with workers that answer what they are told to, or not at all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any


class Process:
    """A process that can be killed. By default its id is one that no process has."""

    def __init__(self, pid: int = 1 << 30) -> None:
        self.pid = pid
        self.alive = True

    def is_alive(self) -> bool:
        return self.alive

    def kill(self) -> None:
        self.alive = False


class Client:
    """`AsyncLLM` with `ranks`: for each rank the answers of its workers, an error, or None if it hangs.

    Like vLLM's, it has died when one of the processes of its ranks has ended.
    """

    model_config = SimpleNamespace(get_vocab_size=lambda: 10, max_model_len=100, try_get_generation_config=dict)

    def __init__(self, *ranks: list[Any] | Exception | None, size: int | None = None) -> None:
        self.ranks = list(ranks)
        self.calls: list[tuple[str, list[str]]] = []
        self.asked = asyncio.Event()
        self.processes = [Process() for _ in ranks]
        self.coordinator = SimpleNamespace(proc=Process()) if len(ranks) > 1 else None
        parallel = SimpleNamespace(data_parallel_size=size or len(ranks))
        self.vllm_config = SimpleNamespace(parallel_config=parallel)
        manager = SimpleNamespace(processes=self.processes)
        resources = SimpleNamespace(engine_manager=manager, coordinator=self.coordinator)
        self.engine_core = SimpleNamespace(resources=resources, call_utility_all_async=self.call_utility_all_async)

    @property
    def errored(self) -> bool:
        return not all(process.alive for process in self.processes)

    async def call_utility_all_async(
        self, utility: str, method: str, within: float, args: tuple[list[str]], kwargs: None
    ) -> list[list[Any]]:
        assert (utility, kwargs) == ("collective_rpc", None)
        assert within > 0
        self.calls.append((method, *args))
        self.asked.set()
        return await asyncio.gather(*(self._answer(rank) for rank in range(len(self.ranks))))

    async def _answer(self, rank: int) -> list[Any]:
        answer = self.ranks[rank]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer
