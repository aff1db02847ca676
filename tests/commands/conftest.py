"""One server for all commands that talk to one, and long commands that run beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.listed import ROOT
from tests.commands.running import Runs, Served, environment, free_port
from tests.commands.small import long_job


@dataclass
class Site:
    """A reader's place: the folder that commands are typed in, the server that `make serve` started, and its address."""

    folder: Path
    data_dir: Path
    served: Served
    url: str


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the policy of the README."""
    made = tmp_path_factory.mktemp("reader")
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert shown, "the README shows no policy"
    (made / "policy.yaml").write_text(shown[1])
    return made


@pytest.fixture(scope="session")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, demo_model: str, folder: Path
) -> Iterator[Runs]:
    """The long commands. All that the chosen tests will ask for are begun at once, to run beside the tests of the server."""
    runs = Runs(tmp_path_factory.mktemp("runs"))
    for item in request.session.items:
        named = getattr(getattr(item, "callspec", None), "params", {}).get("command", "")
        if job := long_job(named, demo_model, folder):
            runs.begin(job)
    yield runs
    runs.close()


@pytest.fixture(scope="session")
def site(runs: Runs, demo_model: str, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What `make serve` started, on a free port."""
    data_dir = tmp_path_factory.mktemp("served")
    port = free_port()
    served = Served("make serve", data_dir, environment(data_dir / "data", GUARD_PORT=str(port)))
    try:
        url = served.wait()
        assert url == f"http://127.0.0.1:{port}"
        yield Site(folder, data_dir / "data", served, url)
    finally:
        served.kill()
