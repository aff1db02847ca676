"""Client libraries of other makers: where they are installed, and programs that use them against a server."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.paths import ROOT

PINS = ROOT / "requirements" / "clients.txt"
FOLDER = ROOT / "build" / "clients" / "python"
PROGRAMS = Path(__file__).parent / "programs"


def installed() -> Path:
    """Return the folder with the pinned libraries, installed on first use. Skips the test, with the reason, if that fails."""
    mark, stamp = FOLDER / ".pins", hashlib.sha256(PINS.read_bytes()).hexdigest()
    if not (mark.is_file() and mark.read_text() == stamp):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--no-compile"]
        # Beside the server's own packages: they need other versions of some of these.
        made = subprocess.run([*pip, "--upgrade", "--target", FOLDER, "-r", PINS], check=False, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"the client libraries cannot be installed: {made.stderr.strip()[-400:]}")
        mark.write_text(stamp)
    return FOLDER


def told(program: str, url: str) -> dict[str, Any]:
    """Run a program against the server at `url` in a process of its own, and return what it tells: one line of JSON."""
    environment = {**os.environ, "PYTHONPATH": str(installed()), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    environment |= {"LANGSMITH_TRACING": "false", "ANTHROPIC_API_KEY": "none", "OPENAI_API_KEY": "none", "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-W", "ignore", PROGRAMS / program, url]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
