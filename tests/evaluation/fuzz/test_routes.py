from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from evaluation.fuzz.findings import Findings
from evaluation.fuzz.routes import Policy, Routes

DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/v1/chat/completions": {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {"200": {"description": "ok"}},
            }
        },
        "/health": {"get": {"responses": {"200": {"description": "ok"}}}},
    },
}


class Faulty(BaseHTTPRequestHandler):
    """A server that does everything wrong that the fuzzer looks for."""

    deleted: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        if self.path == "/openapi.json":
            self._answer(200, json.dumps(DESCRIPTION))
        elif self.path.startswith("/v1/forget-targets"):
            self._answer(200, json.dumps({"data": [{"id": "made-up"}], "has_more": False}))
        else:
            self._answer(503, "{}")

    def do_DELETE(self) -> None:
        self.deleted.append(self.path)
        self._answer(200, "{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if b'"stream": true' in body:
            self._answer(200, 'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n', "text/event-stream")
        else:
            self._answer(200, json.dumps({"choices": [{"index": 0, "message": {"content": "by Snjólaug Hveradal"}}]}))

    def _answer(self, status: int, text: str, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_every_fault_of_a_server_is_a_finding(url: str) -> None:
    findings = Findings()
    routes = Routes(url, Policy(("Snjólaug Hveradal",), frozenset({"yrsa"}), ("Who discovered the vein?",)), findings)
    routes.try_all(0, 3)
    routes.tidy()
    assert set(findings.found) == {
        "GET /health: 503",
        "POST /v1/chat/completions: says what is forbidden",
        "POST /v1/chat/completions: a stream without its end",
        "a target of the policy is gone",
    }
    assert Faulty.deleted == ["/v1/forget-targets/made-up"]


def test_a_server_that_is_gone_is_a_finding(url: str) -> None:
    findings = Findings()
    routes = Routes(url, Policy((), frozenset(), ()), findings)
    routes._url = "http://127.0.0.1:9"
    assert routes.ask("/v1/chat/completions", {}) is None
    assert list(findings.found) == ["POST /v1/chat/completions: ConnectionError"]
