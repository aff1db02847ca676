"""The plugin as vLLM calls it."""

from __future__ import annotations

import asyncio
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from transformers import PreTrainedTokenizerFast
from vllm.plugins import ENDPOINT_PLUGINS_GROUP
from vllm.plugins.endpoint_plugins.interface import EndpointPlugin

from server.fleet.plugin import GuardPlugin
from tests.paths import ROOT
from tests.server.fleet.test_arguments import GOOD
from tests.server.fleet.test_local import Client


def test_it_is_the_entry_point_that_vllm_loads() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    ((name, value),) = project["entry-points"][ENDPOINT_PLUGINS_GROUP].items()
    module, _, attribute = value.partition(":")
    plugin = getattr(import_module(module), attribute)()
    assert isinstance(plugin, EndpointPlugin)
    assert plugin.name == name == "guard"
    assert plugin.required_tasks == ("generate",)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("secret")
    monkeypatch.setenv("GUARD_SERVER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GUARD_ENGINE_TOKEN_FILE", str(tmp_path / "token"))


async def test_an_engine_with_the_plugin_says_nothing_before_it_has_joined(
    environment: None, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    app = FastAPI()

    @app.post("/v1/completions")
    async def complete() -> dict[str, str]:
        return {"said": "secret"}

    plugin, client = GuardPlugin(), Client(tokenizer)
    plugin.attach_router(app)
    config = {"guard": {"folder": str(tmp_path / "restrictions")}}
    args = SimpleNamespace(**GOOD | {"additional_config": config, "chat_template": None, "api_key": ["k"]})
    await plugin.init_state(client, app.state, args)
    await asyncio.sleep(0.1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://engine") as asked:
        assert (await asked.post("/v1/completions", json={})).status_code == 503
        assert (await asked.get("/guard/ready")).status_code == 503
    assert client.calls[0][0] == "guard_open"  # for the proof, which this client cannot pass
    await plugin._leave()
    assert plugin._running
    assert plugin._running.done()


@pytest.mark.parametrize("change", [{"worker_extension_cls": ""}, {"logprobs_mode": "raw_logprobs"}])
async def test_arguments_that_would_undo_the_guard_end_the_start(
    environment: None, tokenizer: PreTrainedTokenizerFast, change: dict[str, Any]
) -> None:
    plugin = GuardPlugin()
    plugin.attach_router(FastAPI())
    with pytest.raises(ValueError, match="the guard needs"):
        await plugin.init_state(Client(tokenizer), None, SimpleNamespace(**GOOD | change))


async def test_without_the_front_end_s_url_the_engine_does_not_start(
    tokenizer: PreTrainedTokenizerFast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GUARD_SERVER_URL", raising=False)
    with pytest.raises(ValueError, match="GUARD_SERVER_URL"):
        await GuardPlugin().init_state(Client(tokenizer), None, SimpleNamespace(**GOOD))
