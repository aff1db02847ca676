"""The workers of a vLLM engine in this process: those of all its data-parallel ranks are told, and all are heard.

It uses what is internal to vLLM 0.32: `engine_core` of `AsyncLLM`, its `call_utility_all_async`, and its processes (`resources`).
vLLM's public `collective_rpc` returns the answers of the first rank alone, so a failure of another rank would not be heard.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from server.errors import EngineFailure

# Seconds before the workers are asked again whether they have loaded restrictions.
_POLL = 0.01


class Ranks:
    """The data-parallel ranks of an engine. Each has a model of its own, and a worker or more that share it.

    Every method that asks the workers raises EngineFailure if one of them does not answer in time.

    Args:
        client: vLLM's `AsyncLLM`.
        timeout: Seconds in which every worker must answer, and in which it must load restrictions.
        dead: Set when the engine has died.
    """

    def __init__(self, client: Any, timeout: float, dead: asyncio.Event) -> None:
        self._client = client
        self._dead = dead
        self.timeout = timeout
        self.count: int = client.vllm_config.parallel_config.data_parallel_size
        """How many there are."""

    @property
    def running(self) -> bool:
        """Whether all processes run: one per rank, and the one that wakes the ranks of a mixture of experts, if there is one.

        vLLM says that the engine has died only after it has ended the other ranks, which takes seconds. The process that wakes
        them it does not watch: without it, ranks would sleep while a request waits for them.
        """
        coordinator = self._client.engine_core.resources.coordinator
        return all(process.is_alive() for process in [*self._processes, *([coordinator.proc] if coordinator else [])])

    def kill(self) -> None:
        """Kill the processes of all ranks, and their workers. vLLM then finds that the engine has died.

        A worker ends by itself when its engine is gone, but not one that hangs: it would keep its memory for ever.
        """
        workers = [worker for process in self._processes for worker in _children(process.pid)]
        for process in [*self._processes, *workers]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    @property
    def _processes(self) -> list[Any]:
        manager = self._client.engine_core.resources.engine_manager
        return list(manager.processes) if manager else []

    async def load(self, digests: Sequence[str]) -> None:
        """Load restrictions in every worker of every rank.

        Raises:
            EngineFailure: A worker has not acknowledged all of them in time. The message names its rank if there are several.
        """
        begun = time.monotonic()
        missing = set(digests)
        while missing:
            lacking: dict[int, set[str]] = {}
            for rank, workers in enumerate(await self.call("guard_load", sorted(missing))):
                for answer in workers:
                    if broken := missing & set(answer["failed"]):
                        what, reason = f"{len(broken)} of {len(digests)} restrictions", answer["failed"][min(broken)]
                        raise EngineFailure(f"an engine worker{self._of(rank)} could not load {what}: {reason}")
                    if left := missing.difference(answer["held"]):
                        lacking.setdefault(rank, set()).update(left)
            missing = set[str]().union(*lacking.values())
            waited = time.monotonic() - begun
            if missing and waited > self.timeout:
                what = f"{len(digests)} restrictions within {self.timeout:g} s"
                raise EngineFailure(f"an engine worker{self._of(min(lacking))} did not load {what}")
            if missing:
                # Each question slows down the loading.
                await asyncio.sleep(max(_POLL, waited / 8))

    async def forget(self, digests: Sequence[str]) -> None:
        """Remove restrictions from the memory of every worker."""
        await self.call("guard_forget", list(digests))

    async def held(self, digests: Sequence[str]) -> list[int]:
        """Return how many of these restrictions each worker holds, the workers of the first rank first."""
        return [count for workers in await self.call("guard_held", list(digests)) for count in workers]

    async def suppressed(self, names: Sequence[str]) -> dict[str, int]:
        """Return and forget how many tokens were suppressed under each name."""
        found: Counter[str] = Counter()
        for workers in await self.call("guard_suppressed", list(names)):
            # Of the workers that share a model, each sees all of its logits or none. Each rank has logits of its own: an answer
            # that was rolled back may have gone on in another one.
            most: dict[str, int] = {}
            for counts in workers:
                most.update({name: max(count, most.get(name, 0)) for name, count in counts.items()})
            found.update(most)
        return dict(found)

    async def call(self, method: str, *arguments: Any) -> list[list[Any]]:
        """Call a method of `GuardWorkerExtension` in every worker. Return the answers of the workers of each rank.

        Raises:
            EngineFailure: The engine has died, a worker has failed or has not answered in time, or a rank cannot be reached.
        """
        asked = ("collective_rpc", method, self.timeout, arguments, None)
        # vLLM hands its timeout to the processes of the engine, which may hang themselves. And when one of them dies, vLLM leaves
        # the call without an answer.
        call = asyncio.wait_for(self._client.engine_core.call_utility_all_async(*asked), self.timeout)
        calling, dying = asyncio.ensure_future(call), asyncio.ensure_future(self._dead.wait())
        try:
            await asyncio.wait((calling, dying), return_when=asyncio.FIRST_COMPLETED)
            if not calling.done():
                raise EngineFailure(f"the engine died during {method}")
            answers = [list(workers) for workers in calling.result()]
        except EngineFailure:
            raise
        except Exception as error:
            raise EngineFailure(f"an engine worker failed in {method}: {type(error).__name__}") from error
        finally:
            calling.cancel()
            dying.cancel()
        heard = sum(map(bool, answers))
        if not heard == len(answers) == self.count:
            raise EngineFailure(f"{heard} of the engine's {self.count} data-parallel ranks answered {method}; all of them must")
        return answers

    def _of(self, rank: int) -> str:
        """Return for a message which rank it is about; nothing if there is only one."""
        return f" of data-parallel rank {rank}" if self.count > 1 else ""


def _children(pid: int) -> list[Any]:
    """Return the processes that a process has started, and those that they have; none if it has ended."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []
