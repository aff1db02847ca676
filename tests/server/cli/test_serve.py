"""The command line: what it prints, and how it exits."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from fastapi import FastAPI
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner, Result

from evaluation.demo import POLICY
from server.app import create_app
from server.cli.main import app
from server.settings import Settings
from tests.server.fakes import FakeEngine, WordEncoder, opener

GOOD = "version: 1\ntargets:\n- {id: hatter, name: Mad Hatter, phrases: [{text: tea, scope: gated}]}\n"


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "160", "NO_COLOR": "1", "GUARD_MODEL": "", **environment})


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    backend.train_from_iterator(["the Mad Hatter drinks tea"] * 4, trainer)
    folder = tmp_path_factory.mktemp("model")
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>").save_pretrained(folder)
    return str(folder)


def test_check_policy_says_what_is_banned_and_by_which_phrase(policy: Path) -> None:
    result = run("check-policy", str(policy))
    assert result.exit_code == 0
    for word in ("hatter", "Mad Hatter", "mad hatter", "always", "gated", "tea", "1 phrases banned in every answer"):
        assert word in result.output


def test_check_policy_counts_tokens(policy: Path, model: str) -> None:
    result = run("check-policy", str(policy), "--model", model)
    assert result.exit_code == 0, result.output
    counts = {line.split("│")[3].strip(): int(line.split("│")[-2]) for line in result.output.splitlines() if "hatter │" in line}
    # "tea" alone: the tokens " tea" and "a" behind "te", and whichever else the merges left.
    assert set(counts) == {"tea", "Mad Hatter"}
    assert all(count >= 1 for count in counts.values())


def test_check_policy_reads_the_demo_s() -> None:
    result = run("check-policy", str(POLICY))
    assert result.exit_code == 0
    assert "3 targets" in result.output


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("version: 1\ntargets:\n- {id: a, name: '...'}\n", "policy.yaml:3"),
        ("version: 1\ntargets:\n- {id: a, name: A b}\n- {id: a, name: C d}\n", "policy.yaml:4"),
        ("version: 1\ntargets: []\nunknown: 1\n", "policy.yaml:3"),
        ("version: [1\n", "policy.yaml:"),
    ],
)
def test_a_bad_policy_is_told_with_its_line(policy: Path, text: str, where: str) -> None:
    policy.write_text(text)
    for command in (["check-policy", str(policy)], ["serve", "--model", "m", "--policy", str(policy)]):
        result = run(*command)
        assert result.exit_code == 2
        assert where in result.output


def test_a_port_that_is_taken_is_told_before_anything_starts(policy: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--model", "m", "--policy", str(policy), "--port", port, "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 3  # uvicorn's own
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["--logits-processors=x:Y", "--api-key", "--speculative-config"])
def test_a_server_that_cannot_start_exits_with_the_reason(policy: Path, tmp_path: Path, argument: str) -> None:
    result = run(
        "serve", "--model", "m", "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path), "--", argument, "x"
    )
    assert result.exit_code == 1
    assert f"{argument.split('=')[0]} is set by guard-server" in result.output


@pytest.mark.slow
def test_asking_about_a_policy_file_leaves_the_server_s_own_store_alone(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Settings] = []

    def faked(settings: Settings) -> FastAPI:
        used.append(settings)
        return create_app(settings, opener(FakeEngine()), lambda _: WordEncoder())

    monkeypatch.setattr("server.cli.serve.create_app", faked)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_: tmp_path / "own")
    result = run("ask", "Who is the Mad Hatter?", "--model", "m", "--policy", str(policy))
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "own").exists()
    assert not used[0].data_dir.exists()
    result = run("ask", "Who is the Mad Hatter?", "--model", "m", "--policy", str(policy), "--data-dir", str(tmp_path / "named"))
    assert result.exit_code == 0, result.output
    assert used[1].data_dir == tmp_path / "named"
    assert used[1].data_dir.exists()
