"""vLLM's command line, as the guard builds it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from server.engine.vllm import VllmEngine, _check_drafts, _configure, vllm_arguments
from server.errors import EngineFailure
from server.settings import Settings


class Client:
    """Workers that answer what they are told to, or not at all."""

    model_config = SimpleNamespace(get_vocab_size=lambda: 10, max_model_len=100, try_get_generation_config=dict)
    errored = False

    def __init__(self, *answers: Any) -> None:
        self.answers = answers
        self.calls: list[tuple[str, list[str]]] = []

    async def collective_rpc(self, method: str, args: tuple[list[str]], **_: float) -> list[Any]:
        self.calls.append((method, *args))
        if not self.answers:
            raise TimeoutError
        return list(self.answers)


def engine_on(client: Client) -> VllmEngine:
    tokenizer = SimpleNamespace(pad_token_id=3, eos_token_id=2, all_special_ids=[2, 3])
    return VllmEngine(Starlette(), client, tokenizer, 1.0)


async def test_workers_that_share_a_model_count_the_same_tokens() -> None:
    client = Client({"a": 2, "b": 0}, {"a": 3, "c": 1}, {})
    assert await engine_on(client).suppressed(("a", "b", "c", "d")) == {"a": 3, "b": 0, "c": 1}
    assert client.calls == [("guard_suppressed", ["a", "b", "c", "d"])]


async def test_each_worker_says_what_it_holds() -> None:
    client = Client(2, 1)
    assert await engine_on(client).held(("a", "b")) == [2, 1]
    assert client.calls == [("guard_held", ["a", "b"])]


async def test_a_worker_that_does_not_answer_is_an_engine_failure() -> None:
    with pytest.raises(EngineFailure, match="TimeoutError"):
        await engine_on(Client()).suppressed(["a"])


async def test_a_death_is_noticed_though_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    client = Client()
    engine = engine_on(client)
    watching = asyncio.create_task(engine.watch())
    await asyncio.sleep(0.03)
    assert engine.alive
    assert not engine.dead.is_set()
    client.errored = True
    assert not engine.alive
    await asyncio.wait_for(watching, 1)
    assert engine.dead.is_set()


async def test_a_call_ends_when_the_engine_dies() -> None:
    class Silent(Client):
        async def collective_rpc(self, *_: Any, **__: Any) -> list[Any]:
            await asyncio.Event().wait()
            return []

    engine = engine_on(Silent())
    call = asyncio.create_task(engine.held(["a"]))
    await asyncio.sleep(0.01)
    engine.dead.set()
    with pytest.raises(EngineFailure, match="died during guard_held"):
        await asyncio.wait_for(call, 1)


async def test_a_death_during_a_question_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    monkeypatch.setattr("server.engine.vllm._ASK_S", 0.01)
    asked = asyncio.Event()

    class Silent(Client):
        async def collective_rpc(self, *_: Any, **__: Any) -> list[Any]:
            asked.set()
            await asyncio.Event().wait()
            return []

    client = Silent()
    engine = engine_on(client)
    watching = asyncio.create_task(engine.watch())
    await asyncio.wait_for(asked.wait(), 1)
    client.errored = True
    await asyncio.wait_for(watching, 0.5)
    assert engine.dead.is_set()


async def test_a_worker_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    monkeypatch.setattr("server.engine.vllm._ASK_S", 0.02)

    class Hanging(Client):
        killed = False

        async def collective_rpc(self, *_: Any, **__: Any) -> list[Any]:
            await asyncio.Event().wait()
            return []

        def kill(self) -> None:
            self.killed = self.errored = True

    client = Hanging()
    client.engine_core = SimpleNamespace(resources=SimpleNamespace(engine_manager=SimpleNamespace(processes=[client])))  # type: ignore[attr-defined]
    engine = engine_on(client)
    engine._load_timeout = 0.05
    await asyncio.wait_for(engine.watch(), 2)
    assert client.killed
    assert engine.dead.is_set()


def settings(folder: Path, *arguments: str) -> Settings:
    return Settings(model="m", policy=folder / "p", data_dir=folder, vllm_args=arguments)


def test_the_guard_is_in_it_and_the_operator_s_part_is_unchanged(tmp_path: Path) -> None:
    arguments = vllm_arguments(settings(tmp_path, "--max-model-len", "64", "--dtype=float32"))
    assert arguments[-3:] == ["--max-model-len", "64", "--dtype=float32"]
    assert "guard.processors.vllm.processor:GuardLogitsProcessor" in arguments
    folders = {"folder": str((tmp_path / "restrictions").resolve())}
    assert json.loads(arguments[arguments.index("--additional-config") + 1])["guard"] == folders
    assert arguments[arguments.index("--logprobs-mode") + 1] == "processed_logprobs"


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--logits-process", "x:Y"], ["--no-such-option"], ["--max-model-len"]])
def test_what_vllm_does_not_know_is_an_error_beginnings_of_options_included(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(ValueError, match="does not accept"):
        _configure(vllm_arguments(settings(tmp_path, *arguments)))


@pytest.mark.slow
def test_a_model_after_the_dashes_is_not_ignored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name the model with --model before --"):
        _configure(vllm_arguments(settings(tmp_path, "other/model")))


@pytest.mark.parametrize(
    ("v2", "method", "message"),
    [(False, "standard", "needs vLLM's Model Runner V2"), (True, "synthetic", "choose standard or block"), (True, "block", None)],
)
def test_drafts_need_a_runner_and_a_check_that_obey_the_guard(v2: bool, method: str, message: str | None) -> None:
    config = SimpleNamespace(use_v2_model_runner=v2, speculative_config=SimpleNamespace(rejection_sample_method=method))
    if message is None:
        _check_drafts(config)
        return
    with pytest.raises(ValueError, match=message):
        _check_drafts(config)


def test_without_drafts_either_runner_will_do() -> None:
    _check_drafts(SimpleNamespace(use_v2_model_runner=False, speculative_config=None))


def test_tokens_are_those_of_the_tokenizer_as_wide_as_the_logits() -> None:
    backend = Tokenizer(models.BPE({"a": 0, "b": 1, "ab": 2, "<end>": 3}, [("a", "b")]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")
    client = SimpleNamespace(
        model_config=SimpleNamespace(get_vocab_size=lambda: 6, max_model_len=100, try_get_generation_config=dict)
    )
    engine = VllmEngine(None, client, tokenizer, 1.0)  # type: ignore[arg-type]
    tokens = engine.tokens()
    assert [tokens.raw[token] for token in range(len(tokens))] == [b"a", b"b", b"ab", b"", b"", b""]
    assert engine.tokens() is tokens


def test_the_environment_splits_arguments_as_a_shell_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_VLLM_ARGS", "--max-model-len 64 --served-model-name 'my model'")
    assert Settings(model="m", policy=tmp_path).vllm_args == ("--max-model-len", "64", "--served-model-name", "my model")
