"""The README against the code: its make targets, commands and policy exist, and its first lines say what this is and is not."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from server.cli.main import app as cli
from server.policy.file import load_policy
from tests.docs.conftest import page
from tests.paths import ROOT

README = page("README.md")
PAGES = ("README.md", "docs/operating.md", "docs/policy.md", "CONTRIBUTING.md")
MORE = ("docs/routes.md", "docs/settings.md", "docs/threats.md", "docs/fleet.md", "ARCHITECTURE.md")


def test_it_says_first_what_this_is_and_what_it_is_not() -> None:
    assert "suppression*, not removal" in README[:900]


def test_it_asks_a_newcomer_s_questions_in_their_order() -> None:
    headings = re.findall(r"^## (.*)", README, re.MULTILINE)
    assert headings[:3] == ["Two commands", "One request and its answer", "Your own model and policy"]


@pytest.mark.parametrize(
    "target", sorted({t for name in PAGES for t in re.findall(r"(?:^    |`)make ([a-z][\w-]+)", page(name), re.MULTILINE)})
)
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def used() -> list[tuple[str, str]]:
    """Return each `guard-server` command that a page shows, and its line."""
    lines = [line.strip() for name in PAGES for line in page(name).splitlines() if ".venv/bin/guard-server " in line]
    found = []
    for line in lines:
        words = line.split("guard-server ", 1)[1].split()
        found.append((" ".join(words[:2]) if words[0] in ("policy", "keys", "audit") else words[0], line))
    return found


@pytest.mark.parametrize(("command", "line"), used())
def test_commands_and_their_flags_exist(command: str, line: str) -> None:
    shown = CliRunner().invoke(cli, [*command.split(), "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert shown.exit_code == 0
    flags = re.findall(r"--[a-z][a-z-]+", line.split(" -- ")[0])
    assert [flag for flag in flags if flag not in shown.output] == []


def test_every_command_is_described() -> None:
    commands = {command for command, _ in used()}
    assert {"serve", "ask", "check-policy", "extract", "policy apply", "keys create", "audit verify"} <= commands


def test_the_policy_it_shows_is_valid() -> None:
    policy = load_policy(re.search(r"```yaml\n(.*?)```", README, re.DOTALL)[1])  # type: ignore[index]
    assert policy.targets[0].id == "jane-doe"


@pytest.mark.parametrize("name", [*PAGES, *MORE])
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page(name))
    assert [link for link in links if not ((ROOT / name).parent / link).exists()] == []


@pytest.mark.parametrize("name", [*PAGES, *MORE])
def test_no_line_is_longer_than_the_code_s(name: str) -> None:
    long = [line for line in page(name).splitlines() if len(line) > 140 and not line.startswith(("{", "|"))]
    assert long == []
