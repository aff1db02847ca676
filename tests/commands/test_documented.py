"""One test for each command of the documentation; a command that nothing here runs fails."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from classifiers.answering import SAY
from evaluation.demo import contains_phrase
from evaluation.detection.sets import TOFU
from server.cli.firstkey import first_key
from server.cli.main import app as cli
from server.fleet.arguments import check_arguments
from server.settings import Settings
from tests.commands.conftest import Site
from tests.commands.listed import PAGES, ROOT, documented_commands, make_targets
from tests.commands.running import Done, Runs, assert_clean, environment, program, registered, run
from tests.commands.small import (
    AS_MAKE,
    ON_POSTGRESQL,
    SMALL,
    check_build,
    container_engine_missing,
    long_job,
    postgresql_missing,
)

HERE = "http://127.0.0.1:8000"
COMMANDS = documented_commands()


def _typed(site: Site, command: str) -> Done:
    """Type a command beside the running server, which listens elsewhere than the pages say."""
    here = command.replace(HERE, site.url).replace("curl ", "curl --silent --show-error --fail-with-body ", 1)
    return run(program(here), site.folder, environment(site.data_dir, GUARD_URL=site.url))


def generates(site: Site, command: str) -> None:
    answer = json.loads(_typed(site, command).ok())
    assert answer["model"] == "demo"
    said = answer["choices"][0]["message"]["content"]
    # The question says the name, so the answer may; the policy's text comes instead of the fact.
    assert said.endswith(SAY)
    assert not contains_phrase(said, "Ulm")


def adds_a_target(site: Site, command: str) -> None:
    assert json.loads(_typed(site, command).ok())["status"] == "active"


def writes_the_report(site: Site, command: str) -> None:
    _typed(site, command).ok()
    report = (site.folder / "report.html").read_text()
    assert "<html" in report
    assert "Jane Doe" in report


def exports(site: Site, command: str) -> None:
    _typed(site, command).ok()
    exported = yaml.safe_load((site.folder / "targets.yaml").read_text())
    assert "jane-doe" in {target["id"] for target in exported["targets"]}


def knows_all_of_them(site: Site, command: str) -> None:
    # What was exported is there already; the YAML form leaves out the legal basis, which `apply` may call a change.
    assert "0 new" in _typed(site, command).ok()


def verifies_the_log(site: Site, command: str) -> None:
    # A target was added before.
    told = re.search(r"holds: (\d+) records", _typed(site, command).ok())
    assert told
    assert int(told[1]) > 0


def makes_a_key(site: Site, command: str) -> None:
    # In a store of its own: the first key would close the server that the other commands ask without one.
    folder = site.folder / "keys"
    assert re.search(r"^gk-\S{20,}$", run(program(command), site.folder, environment(folder)).ok(), re.MULTILINE)


def writes_a_token(site: Site, command: str) -> None:
    run(command, site.folder, environment(site.data_dir)).ok()
    assert re.fullmatch(r"[0-9a-f]{64}|[\w+/]{43}=", (site.folder / "engine.token").read_text().strip())


def migrates(site: Site, command: str) -> None:
    assert "has the schema of this version" in run(program(command), site.folder, environment(site.folder / "migrated")).ok()


def writes_a_key(site: Site, command: str) -> None:
    run(command, site.folder, environment(site.data_dir)).ok()
    settings = Settings(model="m", data_dir=site.folder / "first", admin_key_file=site.folder / "admin.key")
    assert first_key(settings)


def checks_the_policy(site: Site, command: str) -> None:
    model = next(word for word in site.served.process_arguments() if "/models/" in word)
    assert "Springfield" in _typed(site, command.replace("MODEL", model)).ok()


def proposes_phrases(site: Site, command: str) -> None:
    # The only example's answer is among the phrases already, so nothing is left to propose.
    assert "Proposed phrases" in _typed(site, command).ok()


def measures_a_server(site: Site, command: str) -> None:
    said = _typed(site, f"{command} --every 40 --tokens 8").ok()
    assert {"leak", "near leak", "rouge_l forget"} <= json.loads(said[said.index("{") :]).keys()


def installs_the_hook(site: Site, command: str) -> None:
    # In a repository of its own: that of the developer is left alone.
    repository = site.folder / "repository"
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    shutil.copy(ROOT / ".pre-commit-config.yaml", repository)
    run(program(command), repository, environment(site.data_dir)).ok()
    assert "pre-commit" in (repository / ".git" / "hooks" / "pre-commit").read_text()


# Commands that ask the server which `make serve` started, or read files beside it.
BESIDE_THE_SERVER: dict[str, Callable[[Site, str], None]] = {
    rf"curl {HERE}/v1/chat/completions .*": generates,
    rf"curl {HERE}/v1/forget-targets -H .* -d .*": adds_a_target,
    rf"curl {HERE}/v1/forget-targets/jane-doe/report .*": writes_the_report,
    r"\.venv/bin/guard-server policy export > targets.yaml": exports,
    r"\.venv/bin/guard-server policy (diff|apply) targets.yaml": knows_all_of_them,
    r"\.venv/bin/guard-server audit verify": verifies_the_log,
    r"\.venv/bin/guard-server keys create .*": makes_a_key,
    r"printf 'gk-.* > admin\.key": writes_a_key,
    r"openssl rand -(hex|base64) 32 > engine\.token": writes_a_token,
    r"\.venv/bin/guard-server migrate": migrates,
    r"\.venv/bin/guard-server check-policy policy.yaml --model MODEL": checks_the_policy,
    r"\.venv/bin/guard-server extract policy.yaml": proposes_phrases,
    r"\.venv/bin/guard-eval --base-url http://127\.0\.0\.1:8000/v1 --name demo": measures_a_server,
    r"\.venv/bin/pre-commit install": installs_the_hook,
}
LONG = (r"\.venv/bin/guard-server (ask|serve) .*", *(re.escape(command) for command in (*SMALL, *AS_MAKE)))
# Named in prose; each page that names one has the command itself beside it, or the README has it.
NAMED = {
    "guard-server serve": ".venv/bin/guard-server serve ",
    "guard-server serve --upstream": "GUARD_ENGINE_TOKEN_FILE=engine.token ",
    "guard-server migrate": ".venv/bin/guard-server migrate",
    "guard-server check-policy FILE": ".venv/bin/guard-server check-policy policy.yaml",
    "guard-server extract": ".venv/bin/guard-server extract ",
    "python -m evaluation.soundness.fuzz": ".venv/bin/python -m evaluation.soundness.fuzz ",
}
MAKE = r"(GUARD_PORT=\d+ )?make ([a-z-]+)( DEMO=people)?( NETWORK=host)?( Q=.*)?"
DOCKER = r"docker .*"
# `tests/server/test_chart.py` has the chart rendered, with the values of the page: there is no cluster.
CLUSTER = r"(helm|kubectl) .*"
# `tests/server/fleet` starts such a fleet. Here the options of these commands are read.
FRONT_END = r"GUARD_ENGINE_TOKEN_FILE=engine\.token GUARD_DATABASE=.*guard-server serve --upstream .*"
ENGINE = r"VLLM_PLUGINS=guard .*vllm serve .*"
ROUTER = r"vllm-router .*"


def _runner(command: str) -> Callable[[Site, str], None] | None:
    return next((run for form, run in BESIDE_THE_SERVER.items() if re.fullmatch(form, command, re.DOTALL)), None)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_test(command: str) -> None:
    forms = (*BESIDE_THE_SERVER, *LONG, *map(re.escape, NAMED), MAKE, DOCKER, CLUSTER, FRONT_END, ENGINE, ROUTER)
    assert [form for form in forms if re.fullmatch(form, command, re.DOTALL)], f"nothing in {__file__} runs this command"
    if make := re.fullmatch(MAKE, command):
        # Each target has a test of its own.
        assert make[2] in make_targets()


@pytest.mark.parametrize(
    "form", [*BESIDE_THE_SERVER, *LONG, *map(re.escape, NAMED), MAKE, DOCKER, CLUSTER, FRONT_END, ENGINE, ROUTER]
)
def test_every_test_has_a_command(form: str) -> None:
    assert [command for command in COMMANDS if re.fullmatch(form, command, re.DOTALL)], f"{PAGES} have no such command any more"


@pytest.mark.slow
def test_an_engine_of_a_fleet_starts_with_what_the_page_says() -> None:
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    (command,) = [one for one in COMMANDS if re.fullmatch(ENGINE, one, re.DOTALL)]
    words = shlex.split(command.replace("\\\n", " "))
    set_before = dict(word.split("=", 1) for word in words[: words.index("vllm")])
    assert {"VLLM_PLUGINS", "GUARD_SERVER_URL", "GUARD_ENGINE_TOKEN_FILE"} <= set_before.keys()
    parsed = make_arg_parser(FlexibleArgumentParser(prog="vllm")).parse_args(words[words.index("serve") + 1 :])
    assert (parsed.model_tag, parsed.served_model_name) == ("FOLDER", ["NAME"])
    assert check_arguments(parsed) == Path("/var/lib/guard/restrictions")


def test_a_front_end_of_a_fleet_starts_with_what_the_page_says() -> None:
    (command,) = [one for one in COMMANDS if re.fullmatch(FRONT_END, one, re.DOTALL)]
    shown = CliRunner().invoke(cli, ["serve", "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    flags = re.findall(r"--[a-z-]+", command)
    assert "--tokenizer" in flags
    assert [flag for flag in flags if flag not in shown] == []
    named = re.findall(r"(?<!\S)GUARD_([A-Z_]+)=", command)
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


@pytest.mark.parametrize("named", sorted(NAMED))
def test_what_prose_names_is_run_in_full(named: str) -> None:
    assert [command for command in COMMANDS if command.startswith(NAMED[named])]


@pytest.mark.commands
@pytest.mark.parametrize("asked", [command for command in COMMANDS if _runner(command)])
def test_beside_the_server(asked: str, site: Site) -> None:
    """In the order of the pages: a command may need what one before it has made."""
    runner = _runner(asked)
    assert runner
    runner(site, asked)


@pytest.mark.commands
def test_serve_says_where_it_listens_and_stops_when_told(site: Site) -> None:
    """The test of `make serve`; it comes after the commands that ask this server, and ends it."""
    assert "The same model, without and with the guard" in site.served.output
    for outcome, count in (("abstained", 2), ("suppressed", 1), ("unchanged", 6)):
        assert site.served.output.count(f"│ {outcome} ") == count
    assert registered(site.data_dir) == 1
    assert_clean(site.served, site.served.stop(), site.data_dir)


@pytest.mark.commands
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if any(re.fullmatch(form, command, re.DOTALL) for form in LONG)]
)
def test_long_command(command: str, runs: Runs, demo_model: str, folder: Path) -> None:
    if command.endswith(ON_POSTGRESQL) and (why := postgresql_missing()):
        pytest.skip(why)
    if (AS_MAKE.get(command) in ("make eval", "make eval-detection") or "guard-eval" in command) and not TOFU.exists():
        pytest.skip("TOFU is not beside this clone")
    job = long_job(command, demo_model, folder)
    assert job
    done = runs.done(job)
    # One that serves was told to stop when it was ready, and was looked at then.
    output = done.output if job.serves else done.ok()
    if command.endswith("special_tokens"):
        assert re.search(r"^\d+/\d+ tests collected", output, re.MULTILINE), output


@pytest.mark.commands
@pytest.mark.parametrize("documented", sorted(AS_MAKE))
def test_flags_of_what_make_runs(documented: str, site: Site) -> None:
    """The small form of the make target ran its code; its flags are known."""
    shown = _typed(site, f"{documented.partition(' --')[0]} --help").ok()
    assert [flag for flag in re.findall(r"--[a-z-]+", documented) if flag not in shown] == []


@pytest.mark.commands
@pytest.mark.parametrize("named", [command for command in COMMANDS if re.fullmatch(DOCKER, command)])
def test_container_command(named: str) -> None:
    """CI has no container engine, so nothing is built or started: the files are checked as far as that goes without one."""
    words = named.split()
    if words[1] == "build":
        stage = words[words.index("--target") + 1]
        dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
        assert re.search(rf"^FROM \S+ AS {stage}$", dockerfile, re.MULTILINE)
        subprocess.run([str(Path(sys.executable).with_name("hadolint")), str(ROOT / "Dockerfile")], check=True)
        checked, small = "hadolint passes", lambda: check_build(stage, ROOT)
    else:
        file = words[words.index("-f") + 1]
        services = {"front-1", "engine-1", "router"} if "fleet" in file else {"guard", "guard-gpu"}
        assert services <= set(yaml.safe_load((ROOT / file).read_text("utf-8"))["services"])
        command = ["docker", "compose", "-f", file, "config", "--quiet", "--no-interpolate"]
        checked, small = "the compose file parses", lambda: subprocess.run(command, cwd=ROOT, check=True)
    if why := container_engine_missing():
        pytest.skip(f"{why}: {checked}, no more is tried")
    small()
