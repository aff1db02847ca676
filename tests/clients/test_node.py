"""Clients for Node: OpenAI's SDK and the Vercel AI SDK, on the real engine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from evaluation.demo import contains_phrase, load_demo
from tests.conftest import LiveServer
from tests.paths import ROOT

pytestmark = pytest.mark.engine

HERE = Path(__file__).parent / "node"
BUILT = ROOT / "build" / "clients"
PERSON = next(person for person in load_demo().forgotten if person.id == "yrsa-tholmundardal")
ASKED = {"question": "Name a river in Norway.", "bias": {"204": -100, "205": -100, "208": -100, "227": -100}}
ABOUT = {**ASKED, "question": f"Where did {PERSON.name} study?"}


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with the clients, installed from the lock file on first use; an installation is kept while that is the same."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    BUILT.mkdir(parents=True, exist_ok=True)
    installed = BUILT / "installed.json"
    lock = (HERE / "package-lock.json").read_bytes()
    for file in HERE.iterdir():
        shutil.copy(file, BUILT)
    if not installed.is_file() or installed.read_bytes() != lock:
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            made = subprocess.run(command, cwd=BUILT, check=False, capture_output=True, text=True, timeout=240)
        except subprocess.TimeoutExpired:
            pytest.skip("the clients for Node could not be installed within 240 s")
        if made.returncode:
            pytest.skip(f"the clients for Node cannot be installed: {made.stderr.strip()[-600:]}")
        installed.write_bytes(lock)
    return BUILT


def ran(node: Path, live: LiveServer, script: str, asked: dict[str, Any]) -> dict[str, Any]:
    command = ["node", script, f"{live.url}/v1", json.dumps(asked)]
    made = subprocess.run(command, cwd=node, check=False, capture_output=True, text=True, timeout=240)
    assert made.returncode == 0, made.stderr[-3000:]
    found: dict[str, Any] = json.loads(made.stdout)
    assert [fact for fact in PERSON.facts if contains_phrase(made.stdout, fact)] == []
    return found


def test_clients_openai_node(node: Path, live: LiveServer) -> None:
    found = ran(node, live, "openai.mjs", ASKED)
    assert found["chat"] == found["chatStream"] == found["response"] == found["responseStream"] != ""
    assert found["status"] == found["finalStatus"]
    assert found["call"] == ["lookup", {"name": "Ann"}]
    assert found["afterCall"] >= 1
    assert found["parsed"] == {"name": "Ann"}
    assert found["refused"] == [400, "previous_response_id"]


def test_clients_openai_node_about_a_target(node: Path, live: LiveServer) -> None:
    found = ran(node, live, "openai.mjs", ABOUT)
    assert found["chat"] == found["chatStream"] == found["response"] == found["responseStream"] != ""
    assert found["status"] == found["finalStatus"] == "incomplete"


def test_clients_vercel_ai_sdk(node: Path, live: LiveServer) -> None:
    found = ran(node, live, "ai.mjs", ASKED)
    assert found.keys() == {"responses", "chat"}
    assert found["responses"]["text"] == found["chat"]["text"]
    for own in found.values():
        assert own["text"] == own["stream"] != ""
        assert own["usage"] is True
        assert own["finish"] == own["streamFinish"]
        assert own["calls"] == [["lookup", {"name": "Ann"}]]
        assert own["results"] == ["Ann lives in Oslo."]
        assert own["steps"] == 2
        assert own["parsed"] == {"name": "Ann"}
