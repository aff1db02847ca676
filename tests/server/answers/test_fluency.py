"""Fluency: the floor is learnt once per model from what it says itself, and a sentence below it is not fluent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from server.answers.fluency import Fluency
from server.errors import EngineFailure

PROMPTS = [f"Question {number}?" for number in range(24)]


class Model:
    """Says two whole sentences and the beginning of a third; the tokens of sentence k have the log probability -k - wave."""

    def __init__(self, sentences: int = 2, status: int = 200) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.sentences = sentences
        self.status = status

    @property
    def app(self) -> ASGIApp:
        async def complete(request: Request) -> JSONResponse:
            body = await request.json()
            self.bodies.append(body)
            wave = len(self.bodies) % 2
            words = [word for k in range(self.sentences) for word in ("One", " two", " three", " four. ")] + ["And"]
            scores = [-1.0 - wave for _ in words]
            offsets = [sum(map(len, words[:at])) for at in range(len(words))]
            logprobs = {"text_offset": offsets, "token_logprobs": scores}
            choice = {"text": "".join(words), "finish_reason": "length", "logprobs": logprobs}
            return JSONResponse({"choices": [choice]}, self.status)

        return Starlette(routes=[Route("/v1/completions", complete, methods=["POST"])])


@pytest.mark.slow
async def test_the_floor_is_below_almost_all_of_what_the_model_says() -> None:
    model, fluency = Model(), Fluency()
    await fluency.learn(model.app, "m", PROMPTS)
    # 24 sentences of -1 and 24 of -2: their mean is -1.5, their standard deviation 0.505.
    assert fluency.floor == pytest.approx(-1.5 - 2.326 * 0.5053, abs=1e-3)
    assert all(body["vllm_xargs"] == {"guard": []} for body in model.bodies)
    assert fluency.fluent([-2.0, -2.0])
    assert not fluency.fluent([-2.0, -4.0])
    assert fluency.fluent([])


async def test_it_is_learnt_once_and_kept_per_model(tmp_path: Path) -> None:
    kept, model = tmp_path / "fluency.json", Model()
    first = Fluency(of="a", kept=kept)
    await first.learn(model.app, "m", PROMPTS)
    await first.learn(model.app, "m", PROMPTS)
    assert len(model.bodies) == 24
    again = Fluency(of="a", kept=kept)
    await again.learn(model.app, "m", PROMPTS)
    assert (len(model.bodies), again.floor) == (24, first.floor)
    await Fluency(of="b", kept=kept).learn(model.app, "m", PROMPTS)
    assert len(model.bodies) == 48
    assert json.loads(kept.read_text())["model"] == "b"


@pytest.mark.parametrize("broken", ["", "[]", '{"model": "a"}', '{"model": "a", "floor": "low"}'])
async def test_a_broken_file_is_written_anew(tmp_path: Path, broken: str) -> None:
    kept = tmp_path / "fluency.json"
    kept.write_text(broken)
    fluency = Fluency(of="a", kept=kept)
    await fluency.learn(Model().app, "m", PROMPTS)
    assert json.loads(kept.read_text())["floor"] == fluency.floor


async def test_a_model_that_says_no_sentences_is_not_judged(tmp_path: Path) -> None:
    fluency = Fluency(of="a", kept=tmp_path / "fluency.json")
    await fluency.learn(Model(sentences=0).app, "m", PROMPTS)
    assert fluency.floor is None
    assert fluency.fluent([-100.0])
    assert not (tmp_path / "fluency.json").exists()


async def test_an_engine_that_does_not_answer_is_asked_again_later() -> None:
    fluency = Fluency()
    with pytest.raises(EngineFailure):
        await fluency.learn(Model(status=500).app, "m", PROMPTS)
    await fluency.learn(Model().app, "m", PROMPTS)
    assert fluency.floor is not None
