from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp

from evaluation.demo import load_demo
from evaluation.speed import bench
from tests.evaluation.answering import answering, demo_server_of


def test_every_request_asks_for_the_same_number_of_tokens() -> None:
    made = bench.bodies(["A?", "B?", "C?"], "demo", ["digest"])
    assert len(made) % bench.BATCH == 0
    assert [body["messages"][0]["content"] for body in made[:4]] == ["A?", "B?", "C?", "A?"]
    assert len({body["max_tokens"] for body in made}) == 1
    assert all(body["ignore_eos"] and body["vllm_xargs"] == {"guard": ["digest"]} for body in made)
    assert "vllm_xargs" not in bench.bodies(["A?"], "demo", None)[0]


async def test_tokens_are_counted_and_no_more_requests_run_than_the_batch_holds() -> None:
    running = most = 0
    chat = answering(lambda _: "x")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        await chat(scope, receive, send)
        running -= 1

    loop = asyncio.get_running_loop()
    started = loop.time()
    rate = await bench.tokens_per_second(app, bench.bodies(["A?"], "demo", [])[:8], batch=3)
    tokens = 8 * bench.bodies(["A?"], "demo", [])[0]["max_tokens"]
    assert most == 3
    # Eight requests, three at a time, take at least three times as long as one.
    assert tokens / (loop.time() - started) <= rate <= tokens / 0.03


@pytest.mark.slow
async def test_ratios_compare_the_guard_with_the_engine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server, engine = answering(lambda _: "x"), SimpleNamespace(app=answering(lambda _: "x"))
    questions = {pair.question for pair in load_demo().general}

    async def tokens_per_second(app: ASGIApp, bodies: Sequence[dict[str, Any]], batch: int = 1) -> float:
        assert {body["messages"][0]["content"] for body in bodies} <= questions
        if app is server:
            assert "vllm_xargs" not in bodies[0]
            return 80.0
        return {(): 100.0, ("digest",): 90.0}[tuple(bodies[0]["vllm_xargs"]["guard"])]

    monkeypatch.setattr(bench, "tokens_per_second", tokens_per_second)
    monkeypatch.setattr(bench, "demo_server", demo_server_of(server, engine))
    monkeypatch.setattr(bench, "demo_model", lambda: str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "training.json").write_text(json.dumps({"seconds": 40.0}))
    found = await bench.measure()
    assert found["tokens_per_s"] == {"unguarded": 100.0, "guarded": 90.0, "server": 80.0}
    assert found["ratio_to_unguarded"] == {"guarded": 0.9, "server": 0.8}
    assert found["startup_s"].keys() == {"engine", "total"}
    assert (found["training_s"], found["install_s"]) == (40.0, None)
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "install.json").write_text('{"install_s": 300}')
    assert (await bench.measure())["install_s"] == 300
