"""One server for all commands that talk to one, and long commands that run beside it. At the end nothing is left running."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.commands.listed import ROOT
from tests.commands.running import SESSION, Runs, Served, end, environment, free_port
from tests.commands.small import LONGEST_FIRST, long_job

SECONDS = pytest.StashKey[dict[str, float]]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say how long each long command took, two of them at once."""
    for command, seconds in sorted(config.stash.get(SECONDS, {}).items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:6.1f} s  {command[:120]}")


@dataclass
class Site:
    """A reader's place: the folder that commands are typed in, the server that `make serve` started, and its address."""

    folder: Path
    data_dir: Path
    served: Served
    url: str


@pytest.fixture(scope="session")
def nothing_left() -> Iterator[None]:
    """Fail if a process is left when all else is over; before that, end it."""

    def stop(number: int, _: object) -> None:
        sys.exit(128 + number)

    # Without this, SIGTERM would end pytest at once and leave the servers.
    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)
    assert end(SESSION) == []


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
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    demo_model: str,
    folder: Path,
    nothing_left: None,
) -> Iterator[Runs]:
    """The long commands. All that the chosen tests will ask for are begun at once, to run beside the tests of the server."""
    runs = Runs(tmp_path_factory.mktemp("runs"))
    named = [getattr(getattr(item, "callspec", None), "params", {}).get("command", "") for item in request.session.items]
    jobs = [job for command in named if (job := long_job(command, demo_model, folder))]
    # The longest first, so that no long one runs alone at the end.
    for job in sorted(jobs, key=lambda job: next((at for at, part in enumerate(LONGEST_FIRST) if part in job.command), 99)):
        runs.begin(job)
    try:
        yield runs
    finally:
        runs.close()
        request.config.stash[SECONDS] = runs.seconds


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
