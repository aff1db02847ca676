from __future__ import annotations

import itertools
import json
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from evaluation.demo.people import POLICY
from evaluation.image import container
from evaluation.image.container import Container, ContainerError, Site, check_engine, docker, image_bytes
from tests.listening import answering
from tests.paths import ROOT

GUARD: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]["guard"]


class Engine:
    """Instead of docker: it notes commands, and has one container."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.state: dict[str, Any] = {"Running": True, "Status": "running", "ExitCode": 0}
        self.health = "starting"
        self.port = 0

    def __call__(self, *arguments: str, timeout_s: float = 120) -> str:
        self.commands.append(list(arguments))
        match arguments[0]:
            case "run":
                return "made"
            case "port":
                return f"127.0.0.1:{self.port}\n"
            case "inspect":
                return self.health if "Health" in arguments[2] else json.dumps(self.state)
            case "stop":
                self.state = {"Running": False, "Status": "exited", "ExitCode": 143}
        return ""

    def options(self) -> list[str]:
        (command,) = [command for command in self.commands if command[0] == "run"]
        return command


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(container, "docker", made)
    return made


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Iterator[Site]:
    (tmp_path / "weights").write_text("w")
    (tmp_path / "weights").chmod(0o600)
    with Site(tmp_path) as made:
        yield made


def values(options: list[str], name: str) -> list[str]:
    return [value for given, value in itertools.pairwise(options) if given == name]


def test_the_options_are_those_of_the_compose_file(engine: Engine, site: Site) -> None:
    with Container("an-image", site, ("--enforce-eager",)):
        options = engine.options()
    assert GUARD["init"] is True
    assert GUARD["read_only"] is True
    assert {"--init", "--read-only"} <= set(options)
    assert values(options, "--cap-drop") == GUARD["cap_drop"]
    assert values(options, "--security-opt") == GUARD["security_opt"]
    assert values(options, "--tmpfs") == GUARD["tmpfs"]
    assert values(options, "--shm-size") == [GUARD["shm_size"]]
    assert GUARD["stop_grace_period"] == "1m"
    assert container.GRACE_S == 60
    told = dict(each.split("=", 1) for each in values(options, "--env"))
    assert GUARD["environment"].keys() - told.keys() == {"GUARD_LOG_LEVEL", "GUARD_VLLM_ARGS"}
    for name in ("HF_HUB_OFFLINE", "GUARD_ADMIN_KEY_FILE"):
        assert told[name] == GUARD["environment"][name]
    mounts = [dict(part.partition("=")[::2] for part in mount.split(",")) for mount in values(options, "--mount")]
    assert {mount["target"] for mount in mounts} == {mount["target"] for mount in GUARD["volumes"]} | {
        told["GUARD_ADMIN_KEY_FILE"]
    }
    assert all(("readonly" in mount) == (mount["type"] == "bind") for mount in mounts)
    assert values(options, "--publish") == ["127.0.0.1::8000"]
    assert options[-3:] == ["an-image", "--", "--enforce-eager"]


def test_what_is_mounted_can_be_read_by_the_user_of_the_image(site: Site) -> None:
    mounts = [option for option in site.mounts(with_key=True) if option.startswith("type=bind")]
    files = {dict(part.partition("=")[::2] for part in mount.split(","))["source"] for mount in mounts}
    assert {Path(file).name for file in files} == {"model", "policy.yaml", "admin.key"}
    for file in map(Path, files):
        for path in (file, *file.rglob("*")):
            assert path.stat().st_mode & stat.S_IROTH
        if file.name == "policy.yaml":
            assert file.read_bytes() == POLICY.read_bytes()
    # As the README makes one.
    assert re.fullmatch(r"gk-[0-9a-f]{12}-[A-Za-z0-9_-]{43}", site.key)


def test_without_a_key_none_is_named(engine: Engine, site: Site) -> None:
    with Container("an-image", site, (), with_key=False):
        assert not [word for word in engine.options() if "admin" in word.lower()]


def test_all_is_removed(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "weights").touch()
    with Site(tmp_path) as site:
        folder = next(
            Path(part.removeprefix("source=")).parent
            for option in site.mounts(with_key=False)
            for part in option.split(",")
            if part.startswith("source=/")
        )
        with Container("an-image", site, ()):
            pass
        assert ["rm", "--force", "--volumes", "made"] in engine.commands
        assert folder.exists()
    assert not folder.exists()
    assert [command[:2] for command in engine.commands[-2:]] == [["volume", "rm"]] * 2


def test_on_the_network_of_the_host_the_server_gets_a_free_port(engine: Engine, site: Site) -> None:
    with Container("an-image", site, (), "host") as made:
        told = dict(each.split("=", 1) for each in values(engine.options(), "--env"))
        assert made.url == f"http://127.0.0.1:{told['GUARD_PORT']}"
        assert values(engine.options(), "--network") == ["host"]
        assert not values(engine.options(), "--publish")


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that is ready at the second question."""
    statuses = itertools.chain([503], itertools.repeat(200))
    with answering(lambda _: next(statuses)) as port:
        yield port


@pytest.mark.slow
def test_it_waits_until_the_server_is_ready(engine: Engine, site: Site, port: int) -> None:
    engine.port = port
    with Container("an-image", site, ()) as made:
        assert 0 < made.wait_ready(30) < 30
        engine.health = "healthy"
        assert made.wait_healthy(1)
        assert made.stop()[0] == 143


def test_a_container_that_ends_by_itself_is_not_waited_for(engine: Engine, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.state = {"Running": False, "Status": "exited", "ExitCode": 2}
    monkeypatch.setattr(Container, "log", lambda _: "why it ended")
    with Container("an-image", site, ()) as made:
        assert made.wait_end(1)[0] == 2
        with pytest.raises(ContainerError, match="status 2:\nwhy it ended"):
            made.wait_ready(1)


def test_a_container_that_goes_on_is_an_error(engine: Engine, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Container, "log", lambda _: "busy")
    engine.port = 1  # nothing listens there
    with Container("an-image", site, ()) as made:
        with pytest.raises(ContainerError, match="still ran"):
            made.wait_end(0)
        with pytest.raises(ContainerError, match="not ready within 0 s:\nbusy"):
            made.wait_ready(0)
        assert not made.wait_healthy(0)


def test_without_docker_the_message_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContainerError, match=r"no container engine answers.*install"):
        check_engine()


@pytest.mark.skipif(shutil.which("sh") is None, reason="no shell")
def test_what_docker_says_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(
        '#!/bin/sh\n[ "$1" = image ] && echo " 12 " && exit 0\n[ "$1" = slow ] && exec sleep 5\necho broken >&2; exit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert subprocess.run(["docker", "image"], capture_output=True, check=True).stdout
    assert image_bytes("an-image") == 12
    with pytest.raises(ContainerError, match="docker run: broken"):
        docker("run")
    with pytest.raises(ContainerError, match="did not end within"):
        docker("slow", timeout_s=0.05)
    with pytest.raises(ContainerError, match="no container engine answers"):
        check_engine()
