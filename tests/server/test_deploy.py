"""The image and the compose file name settings, files and routes that exist. Nothing is built here."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.engine.vllm import vllm_arguments
from server.settings import Settings
from tests.listening import answering
from tests.paths import ROOT

# As Docker reads it: without comments, continued lines joined.
DOCKERFILE = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", "")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
FLEET: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.fleet.yaml").read_text("utf-8"))


def test_every_setting_named_exists() -> None:
    named = set(re.findall(r"\bGUARD_[A-Z_]+", DOCKERFILE))
    for service in SERVICES.values():
        named |= {name for name in service["environment"] if name.startswith("GUARD_")}
    assert {"GUARD_MODEL", "GUARD_POLICY", "GUARD_HOST", "GUARD_PORT", "GUARD_DATA_DIR", "GUARD_LOG_LEVEL"} <= named
    assert {name.removeprefix("GUARD_").lower() for name in named} <= set(Settings.model_fields)


def test_everything_installed_is_copied() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]["find"]["include"]
    ignore = (ROOT / ".dockerignore").read_text("utf-8").split()
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]:
        copied = [line.split()[1:-1] for line in stage.splitlines() if line.startswith("COPY ") and "--from" not in line]
        sources = {source for line in copied for source in line}
        if not sources:
            continue
        # Measurements are no part of a server, and it imports none of them.
        assert {name.removesuffix("*") for name in packages} - {"evaluation"} <= sources
        assert "evaluation" not in sources
        for source in sources:
            assert (ROOT / source).exists()
            assert f"!{source}" in ignore


@pytest.mark.parametrize("stage", ["cpu", "gpu"])
def test_images_run_as_a_user_and_name_a_health_check(stage: str) -> None:
    [text] = re.findall(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^USER (.*)", text, flags=re.MULTILINE)[-1] == "10001:10001"
    assert "\nHEALTHCHECK " in text
    assert text.rstrip().endswith('ENTRYPOINT ["guard-server", "serve"]')


def readiness(status: int) -> Callable[[str], int]:
    """Return what answers /ready with `status`, and nothing else."""
    return lambda path: status if path == "/ready" else 404


CHECKS = {
    **{f"image {i}": json.loads(found) for i, found in enumerate(re.findall(r"^HEALTHCHECK .*? CMD (\[.*\])", DOCKERFILE, re.M))},
    **{name: service["healthcheck"]["test"][1:] for name, service in SERVICES.items()},
}


@pytest.mark.parametrize("name", ["image 0", "image 1", "guard", "guard-gpu"])
@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False), (404, False), (None, False)])
def test_health_checks(name: str, status: int | None, healthy: bool) -> None:
    assert len(CHECKS) == 4
    with answering(readiness(status or 200)) as port:
        if status is None:
            port = 1  # nothing listens there
        program, *flags, code = CHECKS[name]
        assert (program, flags) == ("python3", ["-c"])
        environment = os.environ | {"GUARD_PORT": str(port), "http_proxy": "http://127.0.0.1:1"}
        done = subprocess.run([sys.executable, "-c", code.replace("8000", str(port))], env=environment, capture_output=True)
    assert (done.returncode == 0) == healthy


def test_compose_publishes_to_this_host_alone_and_writes_only_to_volumes() -> None:
    for service in SERVICES.values():
        assert service["read_only"] is True
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        mounts = {mount["target"]: mount for mount in service["volumes"]}
        assert all(mount["type"] == "volume" or mount["read_only"] for mount in mounts.values())
        assert {"/model", "/etc/guard/policy.yaml", "/var/lib/guard", "/var/cache/guard"} == set(mounts)
        assert {mount["source"] for mount in mounts.values() if mount["type"] == "volume"} == set(COMPOSE["volumes"])
    assert "profiles" not in SERVICES["guard"]
    assert SERVICES["guard-gpu"]["profiles"] == ["gpu"]


def test_a_fleet_s_front_ends_have_settings_that_exist() -> None:
    for name in ("front-1", "front-2", "migration"):
        named = {key.removeprefix("GUARD_").lower() for key in FLEET["services"][name]["environment"] if key.startswith("GUARD_")}
        assert "database" in named
        assert named <= set(Settings.model_fields)


def test_front_ends_alone_are_on_a_network_that_leads_out() -> None:
    assert {name for name, network in FLEET["networks"].items() if not network.get("internal")} == {"outside"}
    for name, service in FLEET["services"].items():
        front = name.startswith("front-")
        assert ("outside" in service["networks"]) == front
        assert ("ports" in service) == front
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert ("engines" in service["networks"]) == (front or name == "router" or name.startswith("engine-"))
        if name != "database":
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
    mounted = [mount["source"] for service in FLEET["services"].values() for mount in service.get("volumes", [])]
    volumes = [source for source in mounted if not source.startswith("$")]
    assert sorted(volumes) == sorted(FLEET["volumes"])  # each process has folders of its own


def test_a_fleet_s_engines_carry_the_guard_and_the_router_knows_them() -> None:
    engines = {name: service for name, service in FLEET["services"].items() if name.startswith("engine-")}
    assert len(engines) == 2
    for engine in engines.values():
        assert engine["entrypoint"][:3] == ["python3", "-m", "vllm.entrypoints.openai.api_server"]
        given = dict(argument.removeprefix("--").split("=", 1) for argument in engine["entrypoint"][3:])
        own = vllm_arguments(Settings(model="m", data_dir=Path("/var/lib/guard")))
        for name in ("logits-processors", "worker-extension-cls", "logprobs-mode"):
            assert given[name] == own[own.index(f"--{name}") + 1]
        assert json.loads(given["additional-config"]) == {"guard": {"folder": "/var/lib/guard/restrictions"}}
        assert (given["model"], given["api-server-count"]) == ("/model", "1")
        assert engine["environment"]["VLLM_PLUGINS"] == "guard"
        assert engine["environment"]["GUARD_SERVER_URL"] == "http://fronts:8000"
    command = FLEET["services"]["router"]["command"]
    assert command[command.index("--worker-urls") + 1 :] == [f"http://{name}:8000" for name in engines]
    assert "--health-check-endpoint=/guard/ready" in command
    assert FLEET["services"]["front-1"]["networks"]["engines"] == {"aliases": ["fronts"]}


def test_hadolint() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, "--failure-threshold", "style", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
