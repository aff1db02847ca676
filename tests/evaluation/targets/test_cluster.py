from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import psutil
import pytest

from evaluation.targets import cluster
from tests.evaluation.targets.processes import lives


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


@pytest.mark.slow
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
        assert lives(process)
    assert not folder.exists()
    assert not lives(process)
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
