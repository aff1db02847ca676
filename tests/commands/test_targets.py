"""One test for each make target; a target without one fails."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluation.detection.sets import TOFU
from tests.commands.listed import ROOT, make_targets
from tests.commands.running import Runs, environment, run
from tests.commands.small import MAKE, check_build, container_engine_missing, long_job

IMAGE = "guard-server:cpu"
BEGUN = time.time()
RESULTS = {
    "make bench": ("bench.json", {"tokens_per_s", "throughput_ratio"}),
    "make eval": ("eval.json", {"forget01", "one by one/1", "reworded", "sampled"}),
    "make eval-detection": ("detection.json", {"recall", "false_alarms", "latency_ms"}),
    "make eval-overblocking": ("overblocking.json", {"known", "invented"}),
    "make eval-answers": ("answers.json", {"effort", "people"}),
    "make redteam": ("redteam.json", {"people"}),
    "make bench-gpu": ("gpu.json", {"device", "rows"}),
    "make bench-targets": ("targets.json", {"add_ms", "restart_s"}),
    "make soak": ("soak.json", {"growth", "ends", "samples"}),
    "make fuzz": ("fuzz.json", {"tried", "found"}),
}


def clean(tmp_path: Path) -> None:
    """`make clean` in a copy removes what was made, and nothing else."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = ["build/x", "dist/x", "a.egg-info/x", ".mypy_cache/x", "server/__pycache__/x"]
    kept = [".venv/lib/__pycache__/x", "server/x.py", "Makefile"]
    for name in (*made, *kept[:2]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    run("make clean", tmp_path, environment(tmp_path / "data")).ok()
    assert not [name for name in made if (tmp_path / name).parent.exists()]
    assert all((tmp_path / name).exists() for name in kept)


def install(tmp_path: Path) -> None:
    """`make install` does nothing where everything is installed, as it is where this runs."""
    before = (ROOT / "build" / "installed").stat().st_mtime_ns
    assert "installing" not in run("make install", ROOT, environment(tmp_path / "data")).ok()
    assert (ROOT / "build" / "installed").stat().st_mtime_ns == before


def by_ci(target: str) -> Callable[[Path], None]:
    """These CI runs whole, in lines of their own, or this is one of them: in a run of itself it would never end."""

    def runs_it(_: Path) -> None:
        assert f"make {target}" in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()

    return runs_it


def check(tmp_path: Path) -> None:
    """`make check` is what `make lint` runs, and those tests of `make test` that need no engine: CI runs both whole."""
    for target in ("lint", "test"):
        by_ci(target)(tmp_path)
    linters, tests, checked = (
        [line.strip() for line in run(f"make -n {name}", ROOT, environment(tmp_path / "data")).ok().splitlines() if line.strip()]
        for name in ("lint", "test", "check")
    )
    assert checked[:-1] == linters
    # It leaves out more tests than `make test` does, and has none that `make test` lacks.
    (run_all,) = tests
    program, _, left_out = run_all.rpartition(" -m ")
    assert left_out == '"not commands"'
    assert re.match(re.escape(program) + r' -m "not engine and not commands( and not \w+)*" ', checked[-1])


def dist(tmp_path: Path) -> None:
    """`make dist` in a copy builds a wheel and a source archive, and both hold all code and data of the packages."""
    copy = tmp_path / "copy"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, listed):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / "build").mkdir()
    (copy / "build" / "installed").touch()  # as it is where this runs
    run(f"make dist BIN={shlex.quote(str(Path(sys.executable).parent))}", copy, environment(tmp_path / "data")).ok()
    (wheel,), (archive,) = (copy / "dist").glob("*.whl"), (copy / "dist").glob("*.tar.gz")
    packages = ("guard", "classifiers", "server", "evaluation")
    # Records of measurements and notes for developers are no part of a package.
    wanted = {
        name
        for name in listed
        if name.startswith(tuple(f"{package}/" for package in packages))
        and "/record/" not in name
        and name not in ("guard/DESIGN.md", "evaluation/RESULTS.md")
    }
    with zipfile.ZipFile(wheel) as made:
        packed = set(made.namelist())
        (entry_points,) = [made.read(name).decode() for name in packed if name.endswith("entry_points.txt")]
    assert sorted(wanted - packed) == []
    assert not [name for name in packed if not name.startswith((*packages, "guard_server-"))]
    assert "guard-server = server.cli.main:app" in entry_points
    with tarfile.open(archive) as sources:
        assert sorted(wanted - {name.partition("/")[2] for name in sources.getnames()}) == []


def image(tmp_path: Path) -> None:
    """`make image` builds a stage of the Dockerfile that is there. Without a container engine nothing is built."""
    index = "https://index.example/a b"
    shown = run(f"make -n image TORCH_INDEX={shlex.quote(index)} DOCKER_BUILD=--pull", ROOT, environment(tmp_path / "data")).ok()
    (words,) = [shlex.split(line) for line in shown.splitlines() if line.startswith("docker ")]
    assert words == ["docker", "build", "--target", "cpu", "--build-arg", f"TORCH_INDEX={index}", "--pull", "-t", IMAGE, "."]
    assert re.search(r"^ARG TORCH_INDEX", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    if why := container_engine_missing():
        pytest.skip(f"{why}: the command of `make image` is right, nothing is built")
    check_build("cpu", ROOT)


def image_test(tmp_path: Path) -> None:
    """`make image-test` says so where no container engine answers. Where one has the image, it tries the image."""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho nothing answers >&2\nexit 1\n")
    docker.chmod(0o755)
    settings = environment(tmp_path / "data")
    done = run("make image-test", ROOT, settings | {"PATH": f"{tmp_path}:{settings['PATH']}"})
    assert done.status == 2  # make's own, for a recipe that failed
    assert "no container engine answers, so no image can be tried (docker version: nothing answers)" in done.output
    if why := container_engine_missing():
        pytest.skip(f"{why}: `make image-test` says so, nothing is tried")
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no image {IMAGE}: `make image` builds it")
    bridge = subprocess.run(["docker", "network", "inspect", "bridge"], capture_output=True, check=False).returncode == 0
    run(f"make image-test NETWORK={'bridge' if bridge else 'host'}", ROOT, settings).ok()


QUICK = {
    "clean": clean,
    "image": image,
    "image-test": image_test,
    "install": install,
    "check": check,
    "dist": dist,
    **{target: by_ci(target) for target in ("lint", "commands", "test")},
}


def test_every_target_is_run() -> None:
    # `make serve` is tested with the documented commands, which ask the server that it starts.
    assert set(make_targets()) == {*QUICK, *(command.removeprefix("make ") for command in MAKE), "serve"}


def test_ci_closes_on_the_summary_of_the_tests() -> None:
    assert (ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "make test"


@pytest.mark.commands
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("target", sorted(QUICK))
def test_quick_target(target: str, tmp_path: Path) -> None:
    QUICK[target](tmp_path)


@pytest.mark.commands
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("command", sorted(MAKE))
def test_long_target(command: str, runs: Runs, demo_model: str, folder: Path) -> None:
    if command in ("make eval", "make eval-detection", "make eval-overblocking") and not TOFU.exists():
        pytest.skip("TOFU is not beside this clone")
    job = long_job(command, demo_model, folder)
    assert job
    output = runs.done(job).ok()
    if command == "make ask":
        assert "The same model, without and with the guard" in output
    if command == "make requirements":
        assert "The pins satisfy" in output
    if command in RESULTS:
        file, keys = RESULTS[command]
        written = ROOT / "build" / "small" / file
        # By this run, not by an earlier one.
        assert written.stat().st_mtime > BEGUN
        assert keys <= json.loads(written.read_text()).keys()


@pytest.mark.commands
def test_small_forms_leave_real_figures_alone(tmp_path: Path) -> None:
    """No recipe of a small form names a folder of real figures."""
    targets = "bench eval eval-detection eval-overblocking eval-answers redteam bench-gpu bench-targets soak fuzz"
    shown = run(f"make -n SMALL=1 {targets}", ROOT, environment(tmp_path)).ok()
    recipes = [line for line in shown.splitlines() if "evaluation." in line or "guard-eval" in line]
    assert len(recipes) == 10
    assert all(line.rstrip().endswith(" --small") for line in recipes)
