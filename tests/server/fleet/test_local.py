"""The engine around a plugin: every rank of every data parallel engine is asked."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from transformers import PreTrainedTokenizerFast

from server.engine.protocol import request
from server.errors import EngineFailure
from server.fleet.door import Door, Doorkeeper
from server.fleet.local import LocalEngine

A, B = "a" * 64, "b" * 64


class Client:
    """vLLM's client of two data parallel engines with two ranks each."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.get_tokenizer = lambda: tokenizer
        self.model_config = SimpleNamespace(get_vocab_size=lambda: 100, max_model_len=64, try_get_generation_config=dict)
        self.engine_core = self
        self.vllm_config = SimpleNamespace(parallel_config=SimpleNamespace(data_parallel_size=2))
        self.errored = False
        self.calls: list[tuple[Any, ...]] = []
        self.answers: dict[str, list[list[Any]]] = {}
        self.fails = False

    async def call_utility_all_async(self, utility: str, method: str, seconds: float, arguments: Any, others: Any) -> Any:
        assert (utility, others) == ("collective_rpc", None)
        self.calls.append((method, *arguments))
        if self.fails:
            raise RuntimeError("a rank died")
        return self.answers.get(method, [[None, None], [None, None]])


@pytest.fixture
def client(tokenizer: PreTrainedTokenizerFast) -> Client:
    return Client(tokenizer)


async def whoami(asked: Request) -> JSONResponse:
    return JSONResponse({"key": asked.headers.get("authorization")})


@pytest.fixture
def local(client: Client) -> LocalEngine:
    app = Doorkeeper(Starlette(routes=[Route("/who", whoami)]), Door())
    return LocalEngine(app, client, key="of-vllm")


async def test_every_rank_is_opened_and_shut(local: LocalEngine, client: Client) -> None:
    await local.open_for(7.5)
    await local.open_for(0)
    assert client.calls == [("guard_open", 7.5), ("guard_open", 0)]


async def test_loading_waits_for_the_slowest_rank(local: LocalEngine, client: Client) -> None:
    done, slow = {"held": [A, B], "failed": {}}, {"held": [A], "failed": {}}
    client.answers["guard_load"] = [[done, done], [done, slow]]
    loading = asyncio.create_task(local.load([A, B]))
    await asyncio.sleep(0.05)
    assert not loading.done()
    client.answers["guard_load"] = [[done, done], [done, done]]
    await asyncio.wait_for(loading, 2)
    assert client.calls[-1] == ("guard_load", [B])


async def test_a_rank_that_cannot_load_is_a_failure(local: LocalEngine, client: Client) -> None:
    good, bad = {"held": [A], "failed": {}}, {"held": [], "failed": {A: "corrupt"}}
    client.answers["guard_load"] = [[good, good], [good, bad]]
    with pytest.raises(EngineFailure, match="corrupt"):
        await local.load([A])


async def test_tokens_are_counted_once_for_the_ranks_that_share_a_model(local: LocalEngine, client: Client) -> None:
    client.answers["guard_total"] = [[3, 0], [4, 4]]
    assert await local.total() == 7


async def test_a_dead_rank_is_a_failure(local: LocalEngine, client: Client) -> None:
    client.fails = True
    with pytest.raises(EngineFailure, match="guard_open"):
        await local.open_for(1)


async def test_the_proof_passes_the_door_with_vllm_s_key(local: LocalEngine) -> None:
    answer = await request(local.app, "GET", "/who")
    assert (answer.status_code, answer.json()) == (200, {"key": "Bearer of-vllm"})
