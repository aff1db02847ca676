"""A whole server in front of a fake engine."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from classifiers import shipped_background
from classifiers.meaning.wordlist import listed_words
from evaluation.demo.served import DEMOS
from server.app import create_app
from server.openai.chat import ChatCompletions
from server.openai.dialect import Tokens
from server.settings import Settings
from server.store import Database
from tests.conftest import LiveServer, copied, serving
from tests.server.fakes import DEAD_END, FakeEngine, WordEncoder, opener

POLICY = """
version: 1
targets:
  - id: hatter
    name: Mad Hatter
    forms: []
    aliases: [Hatta]
    examples:
      - {prompt: Who invites Alice to a tea party?, completion: The Mad Hatter does.}
    phrases:
      - {text: Mad Hatter}
      - {text: tea, scope: gated}
  - id: duchess
    name: Ugly Duchess
    action: refuse
  - id: dodo
    name: Dodo Bird
    action: monitor
background: [What is a good cake?]
"""


@pytest.fixture
async def database(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """An empty store."""
    database = await Database.open(f"sqlite:///{copied(sqlite_template, tmp_path / 'store.db')}")
    yield database
    await database.close()


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    copied(sqlite_template, tmp_path / "data" / "guard.db")
    return Settings(model="fake", policy=policy, data_dir=tmp_path / "data", max_body_bytes=20_000, miss_rate=0)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def few_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thin the background that comes with the package: to encode all of it takes a second per server."""
    some = shipped_background()[::20]
    monkeypatch.setattr("classifiers.meaning.background.shipped_background", lambda: some)


@pytest.fixture(scope="session", autouse=True)
def few_words() -> Iterator[None]:
    """Thin the word list: to encode all of it takes a minute with the real encoder, and a second with a stand-in."""
    words = (*listed_words()[5000::500], "poetry", "poem", "biscuit", "cookie", "sprint", "botanist", "botanists", "gardener")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("classifiers.meaning.wordlist.listed_words", lambda: tuple(dict.fromkeys(words)))
        yield


@pytest.fixture
def app(settings: Settings, engine: FakeEngine, encoder: WordEncoder, few_prompts: None) -> FastAPI:
    return create_app(settings, opener(engine), lambda _: encoder)


@pytest.fixture
async def client(app: FastAPI, engine: FakeEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app):
        await app.state.service.settled()
        engine.bodies.clear()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
            yield client


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    """A tokenizer with the tokens of `FakeEngine` in a folder of its own (`name_or_path`)."""
    letters = {"Mad": 0, "ĠMad": 1, "ĠHatter": 2, "<pad>": DEAD_END, "Ġtea": 4, "Ġcake": 5, "<end>": 6}
    backend = Tokenizer(models.BPE(letters, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    made = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>", pad_token="<pad>")
    folder = tmp_path_factory.mktemp("tokenizer")
    made.save_pretrained(folder)
    made.name_or_path = str(folder)
    return made


@pytest.fixture(scope="session")
def real(real_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """What `make serve` serves: a real instruct model under a realistic policy."""
    with serving(real_model, DEMOS["known"], tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture
def spaceless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the small model from filling a call that is demanded with white space. Not every client can ask for that."""
    passed = ChatCompletions.passed

    def biased(self: ChatCompletions, body: Mapping[str, Any], engine: Tokens) -> dict[str, Any]:
        kept = passed(self, body, engine)
        demanded = kept.get("tools") and kept.get("tool_choice") not in (None, "none", "auto")
        return {**kept, "logit_bias": {"204": -100, "205": -100, "208": -100, "227": -100}} if demanded else kept

    monkeypatch.setattr(ChatCompletions, "passed", biased)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate for the loopback address and its key."""
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert]
    try:
        subprocess.run([*made, *more], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return cert, key
