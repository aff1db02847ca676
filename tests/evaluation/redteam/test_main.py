from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from evaluation.demo import served, server
from evaluation.redteam import __main__ as redteam
from evaluation.redteam import asking, record, run
from evaluation.redteam.attack import Around
from evaluation.redteam.kinds import KINDS as ALL
from tests.evaluation.redteam.test_case import POLICY

KINDS = ("--kinds", "plain", "document", "deep")
FEW = ("--attacks", "2", "--twin-count", "1", "--samples", "2", "--sampled", "1", "--tokens", "9", *KINDS)


def app_of(says: str, bodies: list[dict[str, Any]]) -> Starlette:
    async def answer(request: Request) -> JSONResponse:
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            return JSONResponse({"error": {"code": "invalid"}}, 400)
        bodies.append(body)
        choice = {"message": {"content": says}, "finish_reason": "stop"}
        return JSONResponse({"choices": [choice] * body.get("n", 1)})

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "DELETE"])])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The bodies that the server and the engine got, and the policies that were served."""
    seen: dict[str, Any] = {"server": [], "engine": [], "policies": []}
    guarded, engine = app_of("I cannot say.", seen["server"]), app_of("It is Hogwarts, Siglufjörður.", seen["engine"])

    @asynccontextmanager
    async def started(model: str, policy: Path, arguments: Any) -> AsyncIterator[Any]:
        seen["policies"].append(str(policy))
        guarded.state.service = SimpleNamespace(running=SimpleNamespace(engine=SimpleNamespace(app=engine)))
        yield guarded

    monkeypatch.setattr(server, "demo_server", started)
    monkeypatch.setattr(served.ServedDemo, "model", lambda _: str(tmp_path))
    monkeypatch.setattr(redteam, "_around", lambda subject, effort, model, folder: Around(model, effort.tokens, subject.specials))
    monkeypatch.setattr(record, "plot", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    return seen


@pytest.mark.slow
def test_both_demos_are_attacked_and_written_down(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert redteam.main(FEW) == 0
    found = json.loads(Path("build/redteam.json").read_text())
    assert list(found) == ["people", "known"]
    assert found["people"]["leak_at_1"] == {"plain": 0.0, "document": 0.0, "deep": 0.0}
    assert found["people"]["effort"]["tokens"] == 9
    assert len(asked["policies"]) == 2
    assert all(body["vllm_xargs"] == {"guard": []} for body in asked["engine"])
    assert "## SmolLM2-135M" in capsys.readouterr().out
    # What is measured stays.
    before = len(asked["server"])
    assert redteam.main([*FEW, "--only", "people"]) == 0
    assert len(asked["server"]) == before
    assert list(json.loads(Path("build/redteam.json").read_text())) == ["people", "known"]
    redteam.main([*FEW, "--only", "people", "--fresh"])
    assert len(asked["server"]) > before


@pytest.mark.slow
def test_the_small_form_attacks_one_demo_and_writes_a_record(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert redteam.main(["--small", *KINDS]) == 0
    assert list(json.loads(Path("build/small/redteam.json").read_text())) == ["people"]
    assert asked["engine"] == []
    redteam.main(["--small"])
    found = json.loads(Path("build/small/redteam.json").read_text())["people"]["kinds"]
    without = {name for name in ALL if "token_id" in name or "logit_bias" in name}
    assert set(found) == set(list(ALL)[:: redteam.EVERY_IN_SMALL]) - without - {"completion_typed_template"}
    assert "written to build/small/" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_that_is_out_of_time_says_so_and_goes_on(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert redteam.main([*FEW, "--only", "known", "--seconds", "0", "--show"]) == redteam.NOT_DONE
    assert "goes on where this one was" in capsys.readouterr().err
    assert list(json.loads(Path("build/redteam.json").read_text())["known"]["kinds"]) == ["plain"]
    # Each run asks about one kind at least.
    statuses = [redteam.main([*FEW, "--only", "known", "--seconds", "0"]) for _ in range(2)]
    assert statuses == [redteam.NOT_DONE, 0]


def test_any_server_can_be_attacked(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bodies: list[dict[str, Any]] = []
    made = asking.Server
    urls = []

    def server_of(url: str = "", key: str = "", app: Any = None) -> asking.Server:
        urls.append((url, key))
        return made("http://localhost", key, app_of("She lived in Kirkby Mallory.", bodies))

    monkeypatch.setattr(asking, "Server", server_of)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "twins.jsonl").write_text(json.dumps({"question": "Who was Bach?", "answer": "A composer."}))
    options = ["--url", "http://there", "--key", "k", "--policy", "policy.yaml", "--twins", "twins.jsonl", "--model", "theirs"]
    assert redteam.main([*options, *FEW]) == 0
    found = json.loads(Path("build/redteam.json").read_text())["policy"]
    assert found["leak_at_20"] == {"plain": 1.0, "document": 1.0, "deep": 0.0}
    assert urls == [("http://there", "k")]
    assert {body["model"] for body in bodies if "model" in body} == {"theirs"}
    assert any("Bach" in str(body) for body in bodies)


def test_what_cannot_be_done_is_told(asked: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        redteam.main(["--kinds", "nonsense"])
    assert "no such kind of attack: nonsense; there are plain, role_play" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        redteam.main(["--url", "http://there"])
    assert "--url needs --policy" in capsys.readouterr().err


@pytest.mark.slow
def test_a_tokenizer_makes_token_ids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import transformers

    class Tokenizer:
        def encode(self, text: str, add_special_tokens: bool) -> list[int]:
            assert not add_special_tokens
            return list(text.encode())

        def apply_chat_template(self, messages: list[Any], tokenize: bool, add_generation_prompt: bool) -> str:
            assert add_generation_prompt
            assert not tokenize
            return f"<{messages[0]['content']}>"

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda folder: Tokenizer())
    subject: Any = SimpleNamespace(specials=("<|pad|>",))
    around = redteam._around(subject, run.SMALL, "demo", tmp_path)
    assert around.encode is not None
    assert around.render is not None
    assert around.encode("ab") == [97, 98]
    assert around.render([{"content": "x"}]) == "<x>"
    assert redteam._around(subject, run.SMALL, "demo", None).encode is None
