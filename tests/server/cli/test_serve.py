"""The command line: what it prints, and how it exits."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from filelock import FileLock
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
    # Enough for what is checked before an engine starts. No engine could load it.
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()
    return str(folder)


def test_check_policy_says_what_is_banned_and_by_which_phrase(policy: Path) -> None:
    result = run("check-policy", str(policy))
    assert result.exit_code == 0
    for word in ("hatter", "Mad Hatter", "mad hatter", "always", "gated", "tea", "phrases and forms banned in every answer"):
        assert word in result.output


def test_check_policy_counts_tokens(policy: Path, model: str) -> None:
    result = run("check-policy", str(policy), "--model", model)
    assert result.exit_code == 0, result.output
    counts = {line.split("│")[4].strip(): int(line.split("│")[-2]) for line in result.output.splitlines() if "hatter │" in line}
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
        (
            "version: 1\ntargets:\n- id: a\n  name: A b\n  phrases: [Hogwarts]\n",
            "policy.yaml:5: targets[0].phrases[0] (target a): should be a mapping: write {text: ...}",
        ),
        (
            "version: 1\ntargets:\n- id: a\n  name: A b\n  phrases:\n  - text: Hogwarts\n  - text: C++\n",
            "policy.yaml:7: targets[0].phrases[1].text (target a): the guard compares letters and digits alone",
        ),
    ],
)
def test_a_bad_policy_is_told_with_its_line(policy: Path, text: str, where: str) -> None:
    policy.write_text(text)
    for command in (["check-policy", str(policy)], ["serve", "--model", "m", "--policy", str(policy)]):
        result = run(*command)
        assert result.exit_code == 2
        assert where in result.output
        assert "Hogwarts" not in result.output


def test_a_port_that_is_taken_is_told_before_anything_starts(policy: Path, model: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = run("serve", "--model", model, "--policy", str(policy), "--port", port, "--data-dir", str(tmp_path / "data"))
    assert result.exit_code == 3  # uvicorn's own
    assert f"cannot listen on 127.0.0.1 port {port}: choose another port with --port" in result.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("wrong", ["missing", "empty", "no certificate"])
def test_p2_a_certificate_that_cannot_be_used_is_told_before_anything_starts(
    policy: Path, model: str, tmp_path: Path, wrong: str
) -> None:
    certificate = tmp_path / "cert.pem"
    if wrong != "missing":
        certificate.write_text("" if wrong == "empty" else "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    result = run("serve", "--model", model, "--policy", str(policy), "--port", "0", "--tls-cert", str(certificate))
    assert result.exit_code == 2
    assert "GUARD_TLS_CERT, GUARD_TLS_KEY or GUARD_TLS_CLIENT_CA" in result.output


def test_p2_vllm_s_own_options_for_a_listener_are_told(policy: Path, model: str) -> None:
    result = run("serve", "--model", model, "--policy", str(policy), "--", "--ssl-certfile", "x.pem")
    assert result.exit_code == 2
    assert "--ssl-certfile may not be given to vLLM: give the files to guard-server itself: --tls-cert" in result.output


@pytest.mark.slow
def test_f15_on_other_addresses_it_needs_a_key_and_says_how_to_make_one(
    policy: Path, model: str, tmp_path: Path, engines: list[Settings]
) -> None:
    arguments = ["serve", "--model", model, "--policy", str(policy), "--host", "0.0.0.0", "--port", "0"]
    data = {"GUARD_DATA_DIR": str(tmp_path / "data")}
    refused = run(*arguments, **data)
    assert refused.exit_code == 2
    assert "GUARD_ADMIN_KEY_FILE" in refused.output
    (tmp_path / "admin.key").write_text("gk-0123456789ab-" + "s" * 43)
    started = run(*arguments, **data, GUARD_ADMIN_KEY_FILE=str(tmp_path / "admin.key"))
    assert "Made the admin key 0123456789ab" in started.output
    assert len(engines) == 1
    wrong = run(*arguments, **data, GUARD_ADMIN_KEY_FILE=str(tmp_path / "none"))
    assert wrong.exit_code == 2
    assert "GUARD_ADMIN_KEY_FILE" in wrong.output


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of every engine that is started. None is: the start fails there."""
    started: list[Settings] = []

    def refuses(settings: Settings) -> Any:
        started.append(settings)
        raise RuntimeError("an engine was started")

    monkeypatch.setattr("server.cli.serve.create_app", lambda settings: create_app(settings, refuses))
    return started


def broken(model: str, folder: Path, name: str, content: bytes | None) -> str:
    """Return a copy of the model's folder with another file, or without it."""
    copy = shutil.copytree(model, folder / "model")
    if content is None:
        (copy / name).unlink()
    else:
        (copy / name).write_bytes(content)
    return str(copy)


UNREADABLE = json.dumps(
    {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "decoder": {"type": "CTC"}, "added_tokens": []}
)
MUTE = json.dumps(
    {"model": {"type": "BPE", "vocab": {".": 0}, "merges": []}, "decoder": {"type": "ByteLevel"}, "added_tokens": []}
)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.json", None, "has no config.json, so it is not the folder of a model: give the folder"),
        ("config.json", b"{", "has a config.json that cannot be read"),
        ("model.safetensors", None, "has no weights (*.safetensors): copy or download"),
        ("tokenizer.json", b"\xff", "has a tokenizer.json that cannot be read"),
        (
            "tokenizer.json",
            UNREADABLE.encode(),
            "a tokenizer that the guard cannot work with: cannot tell the bytes of the tokens",
        ),
        ("tokenizer.json", MUTE.encode(), "none of the 1 tokens of the engine's vocabulary spells a letter or a digit"),
    ],
)
@pytest.mark.slow
def test_a_folder_that_is_no_model_is_told_first(
    policy: Path, model: str, tmp_path: Path, engines: list[Settings], name: str, content: bytes | None, told: str
) -> None:
    folder = broken(model, tmp_path, name, content)
    result = run("serve", "--model", folder, "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert (result.exit_code, engines) == (2, [])
    assert f"--model: {folder} " in result.output
    assert told in result.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("argument", ["--logits-processors=x:Y", "--api-key", "--enable-trace-replay"])
@pytest.mark.slow
def test_arguments_that_conflict_with_the_guard_are_told_first(
    policy: Path, model: str, tmp_path: Path, engines: list[Settings], argument: str
) -> None:
    serve = ["serve", "--model", model, "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path / "data")]
    result = run(*serve, "--", argument, "x")
    assert (result.exit_code, engines) == (2, [])
    assert f"{argument.split('=')[0]} may not be given to vLLM: " in result.output
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("options", "environment", "status", "told"),
    [
        (["--model", "/no/such/model"], {}, 2, "there is no folder /no/such/model: give the folder of a model"),
        (["--policy", "/no/such.yaml"], {}, 2, "such.yaml:1: cannot be read (No such file or directory): name a file"),
        (["--policy", "/"], {}, 2, ":1: cannot be read (Is a directory)"),
        ([], {"GUARD_AUDIT_KEY": "/no/such/key"}, 2, "GUARD_AUDIT_KEY: /no/such/key cannot be read"),
        ([], {"GUARD_AUDIT_KEY": "{short}"}, 2, "an audit key needs at least 32 bytes"),
        ([], {"GUARD_LOG_LEVEL": "loud"}, 2, "GUARD_LOG_LEVEL (--log-level): Value error, choose one of debug"),
        (["--data-dir", "{file}/data"], {}, 1, "data cannot be written to (Not a directory): make it writable, or give another"),
        ([], {"GUARD_DATABASE": "mysql://there"}, 1, "the store that GUARD_DATABASE names cannot be opened: a store's URL is"),
        (
            [],
            {"GUARD_DATABASE": "postgresql://u:hush@127.0.0.1:1/d"},
            1,
            "GUARD_DATABASE names cannot be opened: the database is",
        ),
        pytest.param([], {"GUARD_ENCODER": "/no/encoder"}, 1, "cannot load /no/encoder", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
def test_whatever_else_keeps_it_from_starting_is_told_before_the_engine(
    policy: Path,
    model: str,
    tmp_path: Path,
    engines: list[Settings],
    options: list[str],
    environment: dict[str, str],
    status: int,
    told: str,
) -> None:
    (tmp_path / "short").write_bytes(b"too short")
    named = {"file": policy, "short": tmp_path / "short"}
    usual = ["--model", model, "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path / "data")]
    given = [option.format(**named) for option in options]
    result = run("serve", *usual, *given, **{name: value.format(**named) for name, value in environment.items()})
    assert (result.exit_code, engines) == (status, []), result.output
    assert told in result.output
    assert "hush" not in result.output
    assert "Traceback" not in result.output


def test_a_folder_that_another_server_uses_is_told_before_the_engine(
    policy: Path, model: str, tmp_path: Path, engines: list[Settings]
) -> None:
    with FileLock(tmp_path / "lock"):
        result = run("serve", "--model", model, "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path))
    assert (result.exit_code, engines) == (1, [])
    assert "is used by another server process: give each its own with --data-dir" in result.output


@pytest.mark.slow
@pytest.mark.usefixtures("few_prompts")
def test_a_server_that_can_start_comes_as_far_as_its_engine(
    policy: Path, model: str, tmp_path: Path, engines: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the tests above fail where they say, and not for another reason."""
    monkeypatch.setattr("server.encoders.SentenceEncoder", lambda _: WordEncoder())
    result = run("serve", "--model", model, "--policy", str(policy), "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert (result.exit_code, len(engines)) == (1, 1)
    assert "an engine was started" in result.output


@pytest.mark.slow
def test_asking_about_a_policy_file_leaves_the_server_s_own_store_alone(
    policy: Path, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[Settings] = []

    def faked(settings: Settings) -> FastAPI:
        used.append(settings)
        return create_app(settings, opener(FakeEngine()), lambda _: WordEncoder())

    monkeypatch.setattr("server.cli.serve.create_app", faked)
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_: tmp_path / "own")
    result = run("ask", "Who is the Mad Hatter?", "--model", model, "--policy", str(policy))
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "own").exists()
    assert not used[0].data_dir.exists()
    result = run(
        "ask", "Who is the Mad Hatter?", "--model", model, "--policy", str(policy), "--data-dir", str(tmp_path / "named")
    )
    assert result.exit_code == 0, result.output
    assert used[1].data_dir == tmp_path / "named"
    assert used[1].data_dir.exists()
