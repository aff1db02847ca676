"""The trials of changing the policy: what of them can be tried without an engine."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import psutil
import pytest

from classifiers import ForgetTarget
from evaluation.demo import contains_phrase, load_demo
from evaluation.targets import cluster, enginekills, wholeserver
from evaluation.targets.facts import facts, restricts, unsettled
from evaluation.targets.figures import spread, tell
from evaluation.targets.kills import play
from evaluation.targets.wholeserver import ServerError, WholeServer
from server.api.models import TargetRequest


def _lives(process: psutil.Process) -> bool:
    # One that nobody has waited for is still listed.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_killed_import_is_there_or_not() -> None:
    found = play(3, seed=7)
    assert sum(found.values()) == 3


def test_a_cluster_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(cluster.ClusterError, match="not installed"):
        cluster.binaries(tmp_path)
    (tmp_path / "15" / "bin").mkdir(parents=True)
    (tmp_path / "15" / "bin" / "initdb").touch()
    (tmp_path / "9" / "bin").mkdir(parents=True)
    (tmp_path / "9" / "bin" / "initdb").touch()
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(cluster.ClusterError, match="root"):
        cluster.binaries(tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cluster.binaries(tmp_path) == tmp_path / "15" / "bin"


def test_a_cluster_leaves_nothing_behind() -> None:
    try:
        cluster.binaries()
    except cluster.ClusterError as error:
        pytest.skip(str(error))
    parser = ArgumentParser()
    cluster.add_database(parser)
    with cluster.database(parser.parse_args(["--postgresql"])) as url:
        assert url is not None
        folder = Path(url.partition("host=")[2].partition("&")[0])
        process = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
        assert _lives(process)
    assert not folder.exists()
    assert not _lives(process)
    with cluster.database(parser.parse_args([])) as url:
        assert url is None
    with cluster.database(parser.parse_args(["--database", "sqlite:///x"])) as url:
        assert url == "sqlite:///x"


def test_a_program_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    (tmp_path / "psql").write_text("#!/bin/sh\necho there is no room\nexit 3\n")
    (tmp_path / "psql").chmod(0o755)
    with pytest.raises(cluster.ClusterError, match="psql: there is no room"):
        cluster.Cluster(tmp_path, tmp_path).sql("SELECT 1")


def test_facts_are_what_their_answers_say_and_no_two_are_the_same() -> None:
    found = facts()
    assert len(found) > 45  # a trial of twenty adds at each of two servers takes forty-four
    assert len({fact.question for fact in found}) == len({fact.phrase for fact in found}) == len(found)
    names = [person.name for person in load_demo().people]
    for fact in found:
        assert contains_phrase(fact.answer, fact.phrase)
        assert fact.phrase not in names
        TargetRequest.model_validate(fact.target("added-1"))
    first = ForgetTarget.model_validate(found[0].target("a"))
    assert first.name == found[1].target("a")["name"] != found[0].target("b")["name"]


def test_a_decision_restricts_only_for_its_own_target() -> None:
    decision: dict[str, Any] = {"verdict": "restrict", "matches": [{"target_id": "a"}]}
    assert restricts(decision, "a")
    assert not restricts(decision, "b")
    assert not restricts({**decision, "verdict": "allow"}, "a")


def test_a_policy_is_settled_when_every_live_process_is_there() -> None:
    peers = [{"alive": True, "snapshot": 7}, {"alive": False, "snapshot": 3}]
    policy: dict[str, Any] = {"snapshot": 7, "serving": True, "pending": [], "peers": peers}
    assert unsettled(policy, 7) == ""
    assert "not 8" in unsettled(policy, 8)
    assert "pending" in unsettled({**policy, "pending": ["a"]}, 7)
    assert "serving" in unsettled({**policy, "serving": False}, 7)
    assert "[6]" in unsettled({**policy, "peers": [*peers, {"alive": True, "snapshot": 6}]}, 7)


def test_kills_are_spread_over_storing_and_enforcing() -> None:
    made = sorted(enginekills.moments(5, random.Random(1)))
    low, high = enginekills.LEAST_S, enginekills.MOST_S
    edges = [low * (high / low) ** (at / 5) for at in range(6)]
    assert all(edges[at] <= moment <= edges[at + 1] for at, moment in enumerate(made))
    assert enginekills.moments(5, random.Random(1)) != enginekills.moments(5, random.Random(2))


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(1, 201)]
    random.Random(0).shuffle(values)
    assert spread(values) == {"count": 200, "p50": 100.0, "p99": 198.0, "max": 200.0}
    assert spread([3.0]) == {"count": 1, "p50": 3.0, "p99": 3.0, "max": 3.0}
    assert spread([]) == {"count": 0}


def test_figures_are_told_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell({"a": 1}, tmp_path / "record" / "x.json")
    assert json.loads((tmp_path / "record" / "x.json").read_text()) == json.loads(capsys.readouterr().out) == {"a": 1}


# A child in a group of its own, as a server's engine might be; both hold out against everything but SIGKILL.
_STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1:] != ["child"]:
    subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
time.sleep(600)
"""


def _instead_of_a_server(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    program = folder / "program.py"
    program.write_text(code)
    started = subprocess.Popen

    def start(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return started([sys.executable, str(program)], **options)

    monkeypatch.setattr(wholeserver.subprocess, "Popen", start)


def test_a_killed_server_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _instead_of_a_server(monkeypatch, tmp_path, _STUBBORN)
    with WholeServer("model", tmp_path / "data") as server:
        server.start()
        deadline = time.monotonic() + 30
        while len(server.processes()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        monkeypatch.undo()
        found = server.processes()
        assert len(found) == 2
    assert server.processes() == []
    assert not any(_lives(process) for process in found)


_ENDED = """
import os, signal
from evaluation.targets.wholeserver import end_by_sigterm
end_by_sigterm()
try:
    os.kill(os.getpid(), signal.SIGTERM)
finally:
    print("cleaned up")
"""


def test_sigterm_lets_a_trial_clean_up() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (143, "cleaned up\n")


def test_a_server_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _instead_of_a_server(monkeypatch, tmp_path, "print('there is no such model')")
    with WholeServer("model", tmp_path / "data") as server:
        server.start()
        with pytest.raises(ServerError, match="no such model"):
            server.wait()
