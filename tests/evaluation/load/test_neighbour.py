"""The measurement of what one client's load costs another: its figures, and its two clients against a server that waits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from evaluation.load.neighbour import Waits, make_keys, measure, table


def test_the_wait_is_compared_with_the_idle_requests_before_it() -> None:
    waits = Waits()
    waits.add([0.010, 0.010, 0.010], [0.012, 0.013, 0.014])
    waits.add([0.020, 0.020, 0.020], [0.030, 0.031, 0.032])
    found = waits.figures()
    assert found["idle_median"] == pytest.approx(15)
    assert found["more_median"] == pytest.approx(7)
    assert found["more_p99"] == pytest.approx(11.95)
    assert found["ratio_median"] == pytest.approx(22 / 15)


class Busy(ThreadingHTTPServer):
    """Takes 5 ms for a short request, and 50 ms while a long one is there."""

    def __init__(self) -> None:
        self.long = 0
        self.keys: list[str | None] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Busy
    protocol_version = "HTTP/1.1"
    wbufsize = 2**16

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        body = json.loads(self.rfile.read(length))
        if self.path == "/v1/keys":
            self._answer(201, {"key": body["name"]})
            return
        self.server.keys.append(self.headers["authorization"])
        if length > 1000:
            self.server.long += 1
            # So long that the client's next one is there before this one ends, even if making it takes a while.
            time.sleep(0.3)
            self.server.long -= 1
            self._answer(400, {})
            return
        time.sleep(0.05 if self.server.long else 0.005)
        self._answer(200, {})

    def _answer(self, status: int, body: object) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def busy() -> Iterator[Busy]:
    server = Busy()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_a_client_that_waits_for_another_is_seen(busy: Busy) -> None:
    url = f"http://127.0.0.1:{busy.server_port}"
    keys = make_keys(url)
    assert keys == {"light": "light", "heavy": "heavy"}
    found = measure(url, keys, 128, ["short lines"], rounds=2, requests=5, at_once=4)
    waits = found["short lines"]["chat/completions"]
    assert waits["idle_median"] >= 5
    assert waits["loaded_p99"] >= 50
    assert waits["more_median"] > 5
    assert found["short lines"]["refused"] > 0
    assert found["short lines"]["answered"] == 0
    assert set(busy.keys) == {"Bearer light", "Bearer heavy"}
    assert table(found).row_count == 2
