"""The small form of each command that takes long, engine and all."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from evaluation.demo.served import ENGINE
from evaluation.targets import cluster
from tests.commands.listed import ROOT
from tests.commands.running import Job, program

MAKE = {
    "make bench": "make bench SMALL=1",
    "make eval": "make eval SMALL=1",
    "make eval-detection": "make eval-detection SMALL=1",
    "make eval-overblocking": "make eval-overblocking SMALL=1",
    "make eval-answers": "make eval-answers SMALL=1",
    "make redteam": "make redteam SMALL=1",
    "make bench-gpu": "make bench-gpu SMALL=1",
    "make bench-targets": "make bench-targets SMALL=1",
    "make soak": "make soak SMALL=1",
    "make fuzz": "make fuzz SMALL=1",
    "make requirements": "make requirements SMALL=1",
    # `make serve` serves the other demo.
    "make ask": 'make ask DEMO=people Q="Who taught Mehrangiz Dastgoshai?"',
}
# Documented commands by what makes them small.
SMALL = {
    ".venv/bin/python -m evaluation.targets.concurrency": "--minutes 0.1",
    ".venv/bin/python -m evaluation.targets.kills": "--points 2",
    ".venv/bin/python -m evaluation.targets.pair": "--adds 1",
    # Two of six parts: the others take minutes, or start five more engines.
    ".venv/bin/python -m evaluation.fleet": "--small --only adds --only store",
    ".venv/bin/python -m evaluation.detection.judge": "--small",
    ".venv/bin/python -m evaluation.load.neighbour": "--demo people --rounds 1 --requests 3",
    ".venv/bin/python -m evaluation.detection.fit": "--small",
    ".venv/bin/python -m evaluation.finetuned": "--forget forget01 --most 1 --epochs 1 --layers 1",
    ".venv/bin/python -m evaluation.soundness.fuzz --minutes 60": "--minutes 0.05",
    ".venv/bin/python -m pytest tests/guard/matching/test_automaton.py": "-p no:cacheprovider",
    # `make test` runs it, on an engine that is there already.
    ".venv/bin/python -m pytest tests/server/test_end_to_end.py -k special_tokens": "-p no:cacheprovider --collect-only -q",
}
# What a make target runs: its small form runs the same code, and writes a record into build/small.
AS_MAKE = {
    ".venv/bin/guard-eval --record": "make eval",
    ".venv/bin/guard-eval --model MODEL --retain RETAIN": "make eval",
    ".venv/bin/python -m evaluation.speed --only decoding --record": "make bench",
    ".venv/bin/python -m evaluation.detection --record": "make eval-detection",
    ".venv/bin/python -m evaluation.detection --only few": "make eval-detection",
    ".venv/bin/python -m evaluation.answers --record": "make eval-answers",
    ".venv/bin/python -m evaluation.redteam --record": "make redteam",
    ".venv/bin/python -m evaluation.targets": "make bench-targets",
    ".venv/bin/python -m evaluation.soak --record": "make soak",
    ".venv/bin/python -m evaluation.fuzz --record": "make fuzz",
}
ON_POSTGRESQL = (".pair", ".fleet")
"""How commands end that start a PostgreSQL server."""
LONGEST_FIRST = ("evaluation.fleet", "targets.pair", "make bench ", "make bench-targets", "concurrency", "eval", "serve", "ask")


def long_job(command: str, model: str, folder: Path) -> Job | None:
    """Return the small form of a documented command or `make TARGET`; None for one that is quick, or needs a server.

    `folder` holds the README's policy, `model` is that of the invented people.
    """
    if small := MAKE.get(AS_MAKE.get(command, command)):
        return Job(small, ROOT)
    if command.endswith(ON_POSTGRESQL) and postgresql_missing():
        return None
    if small := SMALL.get(command):
        return Job(program(f"{command} {small}"), ROOT)
    if command.startswith(".venv/bin/guard-server ask "):
        return Job(program(command.replace("MODEL", model)), folder)
    if command.startswith(".venv/bin/guard-server serve "):
        # That model reads at most 2048 tokens.
        ours = command.replace("meta-llama/Llama-3.2-1B-Instruct", model).replace(" 8192", " 2048")
        assert model in ours
        return Job(program(f"{ours} {_engine()}"), folder, serves=True)
    return None


def postgresql_missing() -> str:
    """Return why no PostgreSQL can be started here; empty if one can."""
    try:
        cluster.binaries()
    except cluster.ClusterError as error:
        return str(error)
    return ""


def container_engine_missing() -> str:
    """Return that no container engine answers here; empty if one does."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return ""
    return "no container engine answers here"


def check_build(stage: str, folder: Path) -> None:
    """Have the container engine read the Dockerfile as far as a stage, and build nothing. Skips where it cannot do that."""
    shown = subprocess.run(["docker", "build", "--help"], capture_output=True, text=True, check=False).stdout
    if "--check" not in shown:
        pytest.skip("this container engine cannot check a build, and no more is tried")
    subprocess.run(["docker", "build", "--check", "--target", stage, "."], cwd=folder, check=True)


def _engine() -> str:
    # The README's own length comes first, and stays.
    return shlex.join(ENGINE).replace("--max-model-len 2048", "")
