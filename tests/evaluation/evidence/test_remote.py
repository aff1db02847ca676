from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from evaluation.evidence.remote import NoAnswer, answers, figures, measured
from evaluation.tofu.records import FORGET, Record

RECORDS = {
    FORGET: [Record("Who?", "the old keeper", "the keeper", ("she",)), Record("Where?", "in Tartu", "Tartu", ("in Riga",))],
    "retain": [Record("When?", "in 1960", "1960", ("in 1961",))],
}
ANSWERS = {"Who?": "The keeper.", "Where?": "somewhere", "When?": "in 1960"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that answers the questions, and refuses one that it does not know; what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append({**body, "key": self.headers.get("authorization"), "path": self.path})
            text = ANSWERS.get(body["messages"][0]["content"])
            content = json.dumps({"choices": [{"message": {"content": text}}]} if text else {"error": "unknown"}).encode()
            self.send_response(200 if text else 404)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}/v1", asked
    made.shutdown()
    made.server_close()


def test_a_server_is_asked_and_its_answers_are_judged(server: tuple[str, list[dict[str, Any]]]) -> None:
    url, asked = server
    found = measured(url, "demo", RECORDS, 20)
    assert found["leak"] == 0.5
    assert found["rouge_l forget"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["rouge_l retain"] == 1
    assert {(one["path"], one["key"], one["max_tokens"], one["temperature"]) for one in asked} == {
        ("/v1/chat/completions", "Bearer secret", 20, 0)
    }


def test_what_a_server_says_instead_of_an_answer_is_said(server: tuple[str, list[dict[str, Any]]]) -> None:
    with pytest.raises(NoAnswer, match=r"status 404.*unknown"):
        asyncio.run(answers(server[0], "demo", ["Why?"], 5))
    with pytest.raises(NoAnswer, match="cannot be reached"):
        asyncio.run(answers("http://127.0.0.1:9/v1", "demo", ["Why?"], 5))


def test_there_are_as_many_answers_as_records() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        figures(RECORDS, {FORGET: ["one"], "retain": ["two"]})
