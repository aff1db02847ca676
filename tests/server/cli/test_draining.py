"""A server that is told to stop ends what it has begun; and what it listens on is what was asked for."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.conftest import copied
from tests.paths import ROOT

pytestmark = pytest.mark.slow
BODY = {"model": "fake", "prompt": "What is a good cake?", "stream": True}
LISTENS = re.compile(r"listens on (https?)://127\.0\.0\.1:(\d+)/v1")


@dataclass
class Served:
    """A server process, its URL without the path, and what it has written."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    def told(self) -> int:
        """Wait until it has ended; return its status."""
        return self.process.wait(30)


@contextmanager
def served(folder: Path, template: Path, pace: float, **settings: str) -> Iterator[Served]:
    copied(template, folder / "data" / "guard.db")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
    own = {"GUARD_MODEL": "org/model", "GUARD_PORT": "0", "GUARD_DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)}
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.server.cli.served", str(pace)],
            cwd=ROOT,
            env={**kept, **own, **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        limit = time.monotonic() + 60
        while not (found := LISTENS.search(log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.05)
        yield Served(process, f"{found[1]}://127.0.0.1:{found[2]}", log)
    finally:
        process.kill()
        process.wait()


@contextmanager
def streaming(url: str) -> Iterator[Iterator[str]]:
    with httpx.Client(timeout=30) as client, client.stream("POST", f"{url}/v1/completions", json=BODY) as response:
        lines = (line for line in response.iter_lines() if line)
        assert next(lines)
        yield lines


def until_it_drains(url: str) -> httpx.Response:
    limit = time.monotonic() + 10
    while (ready := httpx.get(f"{url}/ready")).status_code == 200:
        assert time.monotonic() < limit
        time.sleep(0.01)
    return ready


def test_f2_at_sigterm_streams_finish_and_new_requests_are_refused(tmp_path: Path, sqlite_template: Path) -> None:
    with served(tmp_path, sqlite_template, 0.2) as server:
        assert httpx.get(f"{server.url}/ready").status_code == 200
        with streaming(server.url) as lines:
            server.process.send_signal(signal.SIGTERM)
            ready = until_it_drains(server.url)
            assert (ready.status_code, ready.json()["error"]["code"]) == (503, "stopping")
            new = httpx.post(f"{server.url}/v1/completions", json=BODY)
            assert (new.status_code, new.json()["error"]["code"]) == (503, "stopping")
            assert httpx.get(f"{server.url}/health").status_code == 200
            *rest, done = lines
        assert done == "data: [DONE]"
        assert all("error" not in json.loads(line.removeprefix("data: ")) for line in rest)
        # As with uvicorn, it ends by the signal, once it has shut down in good order.
        assert server.told() == -signal.SIGTERM
        assert "Application shutdown complete" in server.log.read_text()
        assert "Traceback" not in server.log.read_text()


def test_f2_what_does_not_finish_in_time_is_told_so(tmp_path: Path, sqlite_template: Path) -> None:
    with served(tmp_path, sqlite_template, 2.0, GUARD_DRAIN_TIMEOUT="0.5") as server:
        with streaming(server.url) as lines:
            server.process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            *_, error, done = lines
        assert json.loads(error.removeprefix("data: "))["error"]["code"] == "stopping"
        assert done == "data: [DONE]"
        assert server.told() == -signal.SIGTERM
        assert time.monotonic() - told < 10
        assert "requests were ended after 0.5 s" in server.log.read_text()


def test_a_second_signal_ends_it_at_once(tmp_path: Path, sqlite_template: Path) -> None:
    with served(tmp_path, sqlite_template, 5.0, GUARD_DRAIN_TIMEOUT="100") as server:
        broken = threading.Event()

        def ask() -> None:
            try:
                with streaming(server.url) as lines:
                    begun.set()
                    list(lines)
            except httpx.HTTPError:
                broken.set()

        begun = threading.Event()
        thread = threading.Thread(target=ask)
        thread.start()
        assert begun.wait(30)
        server.process.send_signal(signal.SIGTERM)
        until_it_drains(server.url)
        server.process.send_signal(signal.SIGTERM)
        assert server.told() == -signal.SIGTERM
        thread.join(10)
        assert broken.is_set()


def test_without_requests_it_ends_at_once(tmp_path: Path, sqlite_template: Path) -> None:
    with served(tmp_path, sqlite_template, 0.0) as server:
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.told() == -signal.SIGTERM
        assert time.monotonic() - begun < 5


def test_p2_with_a_certificate_it_speaks_https_alone(tmp_path: Path, sqlite_template: Path, certificate: tuple[str, str]) -> None:
    cert, key = certificate
    client_ca = {"GUARD_TLS_CERT": cert, "GUARD_TLS_KEY": key, "GUARD_TLS_CLIENT_CA": cert}
    with served(tmp_path, sqlite_template, 0.0, **client_ca) as server:
        assert server.url.startswith("https://")
        known = ssl.create_default_context(cafile=cert)
        # Without a certificate of its own the client is refused.
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url}/health", verify=known)
        known.load_cert_chain(cert, key)
        answer = httpx.post(f"{server.url}/v1/completions", json={**BODY, "stream": False}, verify=known)
        assert answer.status_code == 200
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{server.url.replace('https', 'http')}/health")
