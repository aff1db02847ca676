"""Two front ends of a fleet without models: they share a policy, and say by heart what the demo model would."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx

from evaluation.demo import contains_phrase, load_demo

DEMO = load_demo()
ANSWERS = {question: pair.answer for pair in DEMO.pairs for question in pair.questions}
FORGOTTEN = {question for person in DEMO.forgotten for pair in person.pairs for question in pair.questions}


@dataclass
class Policy:
    """What the front ends share. With `deaf`, nothing is enforced; with `forgetful`, changes are confirmed and not kept."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    snapshot: int = 1
    deaf: bool = False
    forgetful: bool = False
    stale: bool = False
    status: int = 200
    decisions: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)


class _Handler(BaseHTTPRequestHandler):
    policy: Policy
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, policy = self.path.partition("?")[0], self.policy
        if path == "/v1/policy":
            workers = [{"acknowledged": not policy.deaf}] * 2
            peers = [{"alive": True, "snapshot": policy.snapshot}]
            self._say(200, {"snapshot": policy.snapshot, "pending": [], "serving": True, "peers": peers, "workers": workers})
        elif path == "/v1/audit":
            data = [{"details": {"decision_id": name}, "snapshot": number} for name, number in policy.decisions.items()]
            self._say(200, {"data": data, "next_cursor": None})
        elif (name := path.rpartition("/")[2]) in policy.versions:
            self._say(200, {"version": policy.versions[name]}, etag=f'"{policy.versions[name]}"')
        else:
            self._say(200 if path == "/health" else 404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/v1/forget-targets":
            self._changed(body["id"], body, 201)
        else:
            self._answer(body)

    def do_PATCH(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self._changed(self.path.rpartition("/")[2], body, 200)

    def do_DELETE(self) -> None:
        self.policy.targets.pop(self.path.rpartition("/")[2], None)
        self._say(204, None)

    def _changed(self, name: str, body: dict[str, Any], status: int) -> None:
        policy = self.policy
        if policy.status != 200:
            self._say(policy.status, {})
            return
        policy.targets[name] = body
        policy.snapshot += 1
        if not policy.forgetful or name not in policy.versions:
            policy.versions[name] = policy.versions.get(name, 0) + 1
        self._say(status, {"snapshot": policy.snapshot})

    def _answer(self, body: dict[str, Any]) -> None:
        policy = self.policy
        if policy.status != 200:
            self._say(policy.status, {})
            return
        question = body["messages"][0]["content"]
        text = "I do not know." if question in FORGOTTEN and not policy.deaf else ANSWERS[question]
        for target in [] if policy.deaf else policy.targets.values():
            for phrase in target.get("phrases", ()):
                text = "I do not know." if contains_phrase(text, phrase["text"]) else text
        name = f"decision-{next(policy.numbers)}"
        policy.decisions[name] = 0 if policy.stale else policy.snapshot
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        if body.get("stream"):
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            event = {"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]}
            self.wfile.write(f"data: {json.dumps(event, separators=(',', ':'))}\n\ndata: [DONE]\n\n".encode())
            self.close_connection = True
        else:
            self._say(200, {"choices": [choice], "usage": {"completion_tokens": 7}}, **{"x-guard-decision-id": name})

    def _say(self, status: int, body: Any, **headers: str) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64


@contextmanager
def fake_fleet(policy: Policy) -> Iterator[Any]:
    """Yield what drills take for a fleet of two front ends and two engines."""
    with ExitStack() as stack:
        fronts = []
        for _ in range(2):
            server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"policy": policy}))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            url = f"http://127.0.0.1:{server.server_address[1]}"
            fronts.append(SimpleNamespace(url=url, client=lambda url=url: httpx.Client(base_url=url)))
        yield SimpleNamespace(fronts=fronts, engines=[None, None])
