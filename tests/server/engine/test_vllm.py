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
from server.settings import Settings
from tests.server.engine.clients import Client


def engine_on(client: Client) -> VllmEngine:
    tokenizer = SimpleNamespace(pad_token_id=3, eos_token_id=2, all_special_ids=[2, 3])
    return VllmEngine(Starlette(), client, tokenizer, 0.1)


async def test_the_workers_of_all_ranks_are_asked() -> None:
    client = Client([{"a": 2}], [{"a": 1}])
    engine = engine_on(client)
    assert engine.ranks == 2
    assert await engine.suppressed(["a"]) == {"a": 3}
    client.ranks = [[1], [1]]
    assert await engine.held(["d"]) == [1, 1]
    client.ranks = [[{"held": ["d"], "failed": {}}]] * 2
    await engine.load(["d"])
    await engine.forget(["d"])
    assert client.calls == [
        ("guard_suppressed", ["a"]),
        ("guard_held", ["d"]),
        ("guard_load", ["d"]),
        ("guard_forget", ["d"]),
    ]


async def test_a_death_is_noticed_though_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    client = Client([0])
    engine = engine_on(client)
    watching = asyncio.create_task(engine.watch())
    await asyncio.sleep(0.03)
    assert engine.alive
    assert not engine.dead.is_set()
    client.processes[0].kill()
    assert not engine.alive
    await asyncio.wait_for(watching, 1)
    assert engine.dead.is_set()


@pytest.mark.parametrize("ranks", [[None], [[0], None]])
async def test_a_death_during_a_question_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch, ranks: list[Any]) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    monkeypatch.setattr("server.engine.vllm._ASK_S", 0.01)
    client = Client(*ranks)
    engine = engine_on(client)
    engine._ranks.timeout = 10
    watching = asyncio.create_task(engine.watch())
    await asyncio.wait_for(client.asked.wait(), 1)
    client.processes[-1].kill()
    await asyncio.wait_for(watching, 0.5)
    assert engine.dead.is_set()


@pytest.mark.parametrize("ranks", [[None], [[0], None], [[0], RuntimeError("broken")]])
async def test_all_ranks_are_killed_if_a_worker_hangs_or_fails(
    monkeypatch: pytest.MonkeyPatch, ranks: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    monkeypatch.setattr("server.engine.vllm._ASK_S", 0.02)
    client = Client(*ranks)
    engine = engine_on(client)
    await asyncio.wait_for(engine.watch(), 2)
    assert not any(process.alive for process in client.processes)
    assert engine.dead.is_set()
    assert "an engine worker hangs" in caplog.text


async def test_one_rank_that_dies_ends_the_others_before_vllm_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)

    class Slow(Client):
        errored = False  # type: ignore[assignment]

    client = Slow([0], [0])
    engine = engine_on(client)
    watching = asyncio.create_task(engine.watch())
    await asyncio.sleep(0.03)
    assert engine.alive
    client.processes[1].kill()
    assert not engine.alive
    await asyncio.wait_for(watching, 1)
    assert engine.dead.is_set()
    assert not client.processes[0].alive


async def test_ranks_whose_coordinator_has_ended_are_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.engine.vllm._LOOK_S", 0.01)
    client = Client([0], [0])
    engine = engine_on(client)
    watching = asyncio.create_task(engine.watch())
    await asyncio.sleep(0.03)
    assert engine.alive
    assert client.coordinator
    client.coordinator.proc.kill()
    await asyncio.wait_for(watching, 1)
    assert not any(process.alive for process in client.processes)
    assert engine.dead.is_set()


def settings(folder: Path, *arguments: str) -> Settings:
    return Settings(model="m", policy=folder / "p", data_dir=folder, vllm_args=arguments)


def test_the_guard_is_in_it_and_the_operator_s_part_is_unchanged(tmp_path: Path) -> None:
    arguments = vllm_arguments(settings(tmp_path, "--max-model-len", "64", "--dtype=float32"))
    assert arguments[-3:] == ["--max-model-len", "64", "--dtype=float32"]
    assert "guard.processors.vllm.processor:GuardLogitsProcessor" in arguments
    told = {"folder": str((tmp_path / "restrictions").resolve()), "alone": True}
    assert json.loads(arguments[arguments.index("--additional-config") + 1])["guard"] == told
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
    client = Client([0])
    client.model_config = SimpleNamespace(get_vocab_size=lambda: 6, max_model_len=100, try_get_generation_config=dict)
    engine = VllmEngine(Starlette(), client, tokenizer, 1.0)
    tokens = engine.tokens()
    assert [tokens.raw[token] for token in range(len(tokens))] == [b"a", b"b", b"ab", b"", b"", b""]
    assert engine.tokens() is tokens


def test_the_environment_splits_arguments_as_a_shell_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_VLLM_ARGS", "--max-model-len 64 --served-model-name 'my model'")
    assert Settings(model="m", policy=tmp_path).vllm_args == ("--max-model-len", "64", "--served-model-name", "my model")
