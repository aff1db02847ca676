"""Settings: from the environment and from flags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from classifiers import Thresholds
from classifiers.answering import SAY, Answer, Answering, Echo, InContext
from classifiers.detection import Detection, RefuseOn, Weight
from server.http.requestlimits import RequestLimits
from server.settings import Settings


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_MODEL", "from the environment")
    assert Settings().model == "from the environment"  # type: ignore[call-arg]


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_PORT", "1")
    assert Settings(model="m", port=2).port == 2


def test_vllm_s_arguments_are_split_like_a_shell_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_VLLM_ARGS", "--max-model-len 512 --served-model-name 'a b'")
    assert Settings(model="m").vllm_args == ("--max-model-len", "512", "--served-model-name", "a b")


def test_files_lie_in_the_data_folder() -> None:
    settings = Settings(model="m", data_dir=Path("/data"))
    assert (settings.restrictions, settings.background, settings.words) == (
        Path("/data/restrictions"),
        Path("/data/background.safetensors"),
        Path("/data/words"),
    )


def test_bodies_are_limited_as_set() -> None:
    assert Settings(model="m", max_body_bytes=5000).limits.bytes == 5000


def test_requests_are_limited_as_set() -> None:
    settings = Settings(model="m", max_messages=1, max_prompts=2, max_choices=3)
    assert settings.request_limits == RequestLimits(1, 2, 3)
    assert Settings(model="m").request_limits == RequestLimits()


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(model="m").allowed_origins == ()
    monkeypatch.setenv("GUARD_ALLOWED_ORIGINS", "https://a.example, http://localhost:3000,")
    assert Settings(model="m").allowed_origins == ("https://a.example", "http://localhost:3000")


def test_thresholds_are_those_set() -> None:
    assert Settings(model="m", threshold=0.5, margin=0.25).thresholds == Thresholds(0.5, 0.25)


def test_without_thresholds_the_classifiers_own_hold() -> None:
    assert Settings(model="m").thresholds == Thresholds()


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1},
        {"port": 65536},
        {"audit_days": 0},
        {"miss_rate": 1.0},
        {"max_body_bytes": 1023},
        {"unknown": 1},
        {"judge": "on"},
        {"judge": "ftp://judge.example"},
        {"judge": "https://"},
        {"judge": "https://judge.example/v1"},
        {"judge_timeout": 0},
        {"judge_doubt": -0.1},
        {"judge_yes": 0},
        {"judge_yes": 1},
        {"model": None},
        {"max_messages": 0},
        {"max_prompts": 0},
        {"max_choices": 0},
        {"max_concurrent": 0},
        {"max_queued": -1},
        {"request_timeout": 0},
        {"drain_timeout": -1},
        {"tls_key": "key.pem"},
        {"tls_client_ca": "ca.pem"},
        {"allowed_origins": "app.example"},
        {"allowed_origins": "https://app.example/"},
        {"allowed_origins": "https://app.example/path"},
    ],
)
def test_what_is_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**{"model": "m"} | wrong)


@pytest.mark.parametrize("level", ["debug", "INFO", "Warning", "critical"])
def test_a_log_level_may_be_written_in_any_case(level: str) -> None:
    assert Settings(model="m", log_level=level).log_level == level


def test_an_unknown_log_level_is_refused() -> None:
    with pytest.raises(ValidationError, match="choose one of debug, info, warning, error, critical"):
        Settings(model="m", log_level="loud")


def test_how_targets_are_answered_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(model="m").answering == Answering()
    assert Settings(model="m").filtered_finish == "content_filter"
    values = {"ANSWER": "rephrase", "ECHO": "ban", "IN_CONTEXT": "refuse", "HINT": "Be careful.", "FILTERED_FINISH": "stop"}
    for name, value in values.items():
        monkeypatch.setenv(f"GUARD_{name}", value)
    for written, say in (
        ("No.", {"": "No."}),
        ("123", {"": "123"}),
        ('{"default": "No.", "de": "Nein."}', {"": "No.", "de": "Nein."}),
        ('{"de": "Nein."}', {"": SAY, "de": "Nein."}),
    ):
        monkeypatch.setenv("GUARD_SAY", written)
        answering = Settings(model="m").answering
        assert answering == Answering(Answer.REPHRASE, say, Echo.BAN, InContext.REFUSE, "Be careful.")
    assert Settings(model="m").filtered_finish == "stop"


@pytest.mark.parametrize("say", ["{broken", '{"German": "Nein."}', " ", '{"de": 3}'])
def test_a_text_that_may_not_be_said_is_refused(say: str) -> None:
    with pytest.raises(ValidationError):
        Settings(model="m", say=say)


def test_without_a_judge_nothing_is_in_doubt() -> None:
    assert Settings(model="m", judge_doubt=0.2).doubt == 0
    assert Settings(model="m", judge="model", judge_doubt=0.2).doubt == 0.2


def test_a_judge_behind_a_url_has_a_key_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    remote = {"model": "m", "judge": "https://judge.example/v1", "judge_model": "large"}
    assert Settings(**remote).judge_key() is None
    settings = Settings(**remote, judge_key_file=file)
    for wrong in (None, b"", b"\xff", b"one\ntwo"):
        if wrong is not None:
            file.write_bytes(wrong)
        with pytest.raises(ValueError, match="GUARD_JUDGE_KEY_FILE") as caught:
            settings.judge_key()
        assert "one" not in str(caught.value).replace("one key on one line", "")
    file.write_text("k-1\n")
    assert settings.judge_key() == "k-1"
    assert Settings(model="m", judge="model", judge_key_file=file).judge_key() is None


def test_which_texts_count_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings(model="m").detection == Detection()
    values = {
        "HISTORY": "3",
        "REFUSE_ON": "history",
        "DETECT_SYSTEM": "ignore",
        "DETECT_TOOLS": "count",
        "DETECT_DOCUMENTS": "restrict",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"GUARD_{name}", value)
    assert Settings(model="m").detection == Detection(3, RefuseOn.HISTORY, Weight.IGNORE, Weight.COUNT, Weight.RESTRICT)
    monkeypatch.setenv("GUARD_HISTORY", "all")
    assert Settings(model="m").history == "all"


@pytest.mark.parametrize("wrong", ["0", "-1", "some", "1.5", ""])
def test_a_history_is_all_or_a_number(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("GUARD_HISTORY", wrong)
    with pytest.raises(ValidationError, match="should be all, or the number of user turns"):
        Settings(model="m")


def test_the_files_of_a_fleet_hold_a_token_and_a_key(tmp_path: Path) -> None:
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text("t-1\n")
    key.write_text("k-1\n")
    settings = Settings(model="m", upstream="http://router", engine_token_file=token, upstream_key_file=key)
    assert (settings.engine_token(), settings.upstream_key()) == ("t-1", "k-1")
    assert Settings(model="m").upstream_key() is None
    with pytest.raises(ValueError, match="GUARD_ENGINE_TOKEN_FILE: GUARD_UPSTREAM needs a file"):
        Settings(model="m", upstream="http://router").engine_token()
