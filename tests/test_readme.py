"""The README against the code: its commands, settings and routes exist."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from server.cli.main import app as cli
from server.policy.file import load_policy
from server.settings import Settings
from tests.paths import ROOT

README = (ROOT / "README.md").read_text()


def test_it_says_first_what_this_is_not() -> None:
    assert "suppression*, not removal" in README[:900]


def test_every_setting_is_there_and_no_other() -> None:
    documented = {name.lower() for name in re.findall(r"^\| `GUARD_(\w+)`", README, re.MULTILINE)}
    assert documented == set(Settings.model_fields)


def test_defaults_are_what_it_says() -> None:
    for name, default in re.findall(r"^\| `GUARD_(\w+)` \|[^|]*\| `([^`]+)` \|", README, re.MULTILINE):
        assert str(Settings.model_fields[name.lower()].default).removesuffix(".0") == default


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (\w+)", README)) - {"a"}))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    [
        *("serve", "ask", "check-policy", "extract"),
        *("policy export", "policy diff", "policy apply", "keys create", "audit verify"),
    ],
)
def test_commands_and_their_flags_exist(command: str) -> None:
    assert f"guard-server {command}" in README
    shown = CliRunner().invoke(cli, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    used = {
        flag
        for line in README.splitlines()
        if f"guard-server {command} " in line
        for flag in re.findall(r"--[a-z][a-z-]+", line.split(" -- ")[0])
    }
    assert all(flag in shown.output for flag in used)


def test_the_policy_it_shows_is_valid() -> None:
    policy = load_policy(re.search(r"```yaml\n(.*?)```", README, re.DOTALL)[1])  # type: ignore[index]
    assert policy.targets[0].id == "jane-doe"


@pytest.mark.parametrize(
    "route", ["/v1/chat/completions", "/v1/completions", "/v1/models", "/health", "/ready", "/version", "/metrics"]
)
def test_routes_are_named(route: str) -> None:
    assert f"`{route}`" in README


def test_no_line_is_longer_than_the_code_s() -> None:
    assert [line for line in README.splitlines() if len(line) > 140 and not line.startswith("{")] == []
