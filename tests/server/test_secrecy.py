"""What is secret stays where it belongs: no log, metric, error, header or file has a phrase, a name, a prompt or a key in it.

Every route is called, with requests that succeed and with requests that fail, all of them full of marks. A new route fails here
until it has a request with marks. What may hold what:

- The store and the compiled restrictions hold names and phrases; both are for their owner alone. A prompt is in neither.
- Answers to admins and auditors tell about the policy. A client learns no more than it has sent itself.
- A key is shown once, in the answer that makes it.
"""

from __future__ import annotations

import faulthandler
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from server.app import create_app
from server.settings import Settings
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.fakes import FakeEngine, WordEncoder, opener

PHRASE, NAME, ALIAS, EXAMPLE, PROMPT = "Zyxphrase Quilbrant", "Zyxname Oddlethwaite", "Zyxalias", "zyxexample", "zyxprompt"
POLICY_MARKS = (PHRASE, NAME, ALIAS, EXAMPLE)
# Quoted otherwise, it may be cut or escaped: the first word tells.
WORDS = ("zyxphrase", "zyxname", "zyxalias", "zyxexample", "zyxprompt")
TARGET = {
    "id": "marked",
    "name": NAME,
    "aliases": [ALIAS],
    "examples": [{"prompt": f"Where does {EXAMPLE} live?", "completion": f"In {PHRASE}."}],
    "phrases": [{"text": PHRASE}, {"text": f"{PHRASE} gated", "scope": "gated"}],
}
ASKED = f"{PROMPT} asks about {NAME} and {PHRASE}."
MESSAGES = {"model": "fake", "messages": [{"role": "user", "content": ASKED}]}
MADE = {**TARGET, "id": "made"}
TARGETS = "/v1/forget-targets"

# For each route the requests that succeed: a path, and a body (None: none).
SUCCEEDING: dict[tuple[str, str], list[tuple[str, Any]]] = {
    ("POST", TARGETS): [(TARGETS, MADE)],
    ("POST", f"{TARGETS}:import"): [(f"{TARGETS}:import", json.dumps({**TARGET, "id": "imported"}))],
    ("GET", f"{TARGETS}:export"): [(f"{TARGETS}:export", None)],
    ("POST", f"{TARGETS}:preview"): [(f"{TARGETS}:preview", {**TARGET, "id": "seen"})],
    ("GET", f"{TARGETS}/{{id}}/report"): [(f"{TARGETS}/marked/report", None)],
    ("GET", TARGETS): [(TARGETS, None)],
    ("POST", f"{TARGETS}/{{id}}:pause"): [(f"{TARGETS}/made:pause", None)],
    ("POST", f"{TARGETS}/{{id}}:resume"): [(f"{TARGETS}/made:resume", None)],
    ("GET", f"{TARGETS}/{{id}}"): [(f"{TARGETS}/marked", None)],
    ("GET", f"{TARGETS}/{{id}}/history"): [(f"{TARGETS}/marked/history", None)],
    ("PATCH", f"{TARGETS}/{{id}}"): [(f"{TARGETS}/made", {"aliases": [ALIAS, f"{ALIAS} too"]})],
    ("DELETE", f"{TARGETS}/{{id}}"): [(f"{TARGETS}/imported", None)],
    ("GET", "/v1/policy"): [("/v1/policy", None)],
    ("GET", "/v1/audit"): [("/v1/audit", None)],
    ("POST", "/v1/keys"): [("/v1/keys", {"role": "client", "name": "another"})],
    ("GET", "/v1/keys"): [("/v1/keys", None)],
    ("DELETE", "/v1/keys/{id}"): [],  # below: the id is not known here
    ("POST", "/v1/screen"): [("/v1/screen", {"text": ASKED})],
    ("POST", "/v1/moderations"): [("/v1/moderations", {"input": ASKED})],
    ("POST", "/v1/chat/completions"): [
        ("/v1/chat/completions", MESSAGES),
        ("/v1/chat/completions", {**MESSAGES, "stream": True, "logprobs": True}),
    ],
    ("POST", "/v1/completions"): [("/v1/completions", {"model": "fake", "prompt": ASKED})],
    ("POST", "/v1/responses"): [
        ("/v1/responses", {"model": "fake", "input": ASKED, "store": False}),
        ("/v1/responses", {"model": "fake", "input": ASKED, "store": False, "stream": True}),
    ],
    ("POST", "/v1/messages"): [
        ("/v1/messages", {**MESSAGES, "max_tokens": 9}),
        ("/v1/messages", {**MESSAGES, "max_tokens": 9, "stream": True}),
    ],
    # These never succeed: no response is stored, and no model embeds.
    ("GET", "/v1/responses/{id}"): [],
    ("DELETE", "/v1/responses/{id}"): [],
    ("POST", "/v1/embeddings"): [],
    ("POST", "/v1/messages/count_tokens"): [("/v1/messages/count_tokens", MESSAGES)],
    ("GET", "/v1/models"): [("/v1/models", None)],
    ("GET", "/v1/models/{id:path}"): [("/v1/models/fake", None)],
    ("GET", "/health"): [("/health", None)],
    ("GET", "/ready"): [("/ready", None)],
    ("GET", "/openapi.json"): [("/openapi.json", None)],
    ("GET", "/version"): [("/version", None)],
    ("GET", "/metrics"): [("/metrics", None)],
}
"""Every route of the application, as it declares it."""

FLEET = {
    ("POST", "/fleet/engines"),
    ("DELETE", "/fleet/engines/{id}"),
    ("GET", "/fleet/engines/{id}/policy"),
    ("POST", "/fleet/engines/{id}/acknowledgement"),
    ("POST", "/fleet/engines/{id}/lease"),
    ("GET", "/fleet/restrictions/{digest}"),
}
"""The routes that a front end of a fleet has besides. No key opens them: `tests/server/fleet/test_routes.py` asks all of them."""

# What cannot be read, is no object, has fields that are unknown or of the wrong type, or quotes the marks in a name.
BROKEN = (
    f'{{"messages": "{ASKED}',
    json.dumps([ASKED]),
    json.dumps({"model": ASKED, "messages": ASKED, "prompt": {"x": ASKED}, "input": {"y": ASKED}, "text": 1, "role": ASKED}),
    json.dumps({**MESSAGES, "prompt": ASKED, PROMPT: PHRASE}),
    json.dumps({"id": ASKED, "name": [NAME], "phrases": PHRASE, "examples": [EXAMPLE], "target": PHRASE}),
    json.dumps({**MESSAGES, "temperature": ASKED, "response_format": {"type": ASKED}, "tools": [{"type": PROMPT}]}),
    json.dumps({**TARGET, "id": "other", "phrases": [{"text": PHRASE, "scope": PROMPT}]}),
    f"{PHRASE}: [{PROMPT}".encode() + b"\xff",
)


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Return method and path of every route of an application."""
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) or hasattr(route, "methods")
        for method in route.methods - {"HEAD", "OPTIONS"}  # type: ignore[union-attr, operator]
    }


@dataclass
class Watched:
    """A server, the keys of three roles, and everything that it has written."""

    app: FastAPI
    client: httpx.AsyncClient
    engine: FakeEngine
    encoder: WordEncoder
    data_dir: Path
    logs: list[str]
    keys: dict[str, str]
    spare: str
    answers: list[httpx.Response] = field(default_factory=list)

    async def send(self, method: str, path: str, body: Any, role: str | None = "admin", **headers: str) -> httpx.Response:
        """Send a request with the key of a role."""
        sent = {"content-type": "application/jsonl" if path.endswith(":import") else "application/json", **headers}
        if role:
            sent["authorization"] = f"Bearer {self.keys[role]}"
        content = body if isinstance(body, (bytes, str)) or body is None else json.dumps(body)
        answer = await self.client.request(method, path, content=content, headers=sent)
        self.answers.append(answer)
        return answer

    def secrets(self) -> tuple[str, ...]:
        """What must be in no log: the words of all marks, and the keys."""
        return (*WORDS, *(key[-24:].lower() for key in self.keys.values()))

    def found(self, text: str) -> list[str]:
        """Return the secrets in a text."""
        folded = text.lower()
        return [secret for secret in self.secrets() if secret in folded]


class _Listener(logging.Handler):
    """Formats every record as a log would, with its traceback."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, and what it was made of: another formatter might write that."""
        self._lines.append(f"{self.format(record)} {record.args!r}")


@pytest.fixture
def logs() -> Iterator[list[str]]:
    """Every record of every logger, at every level."""
    import server.store.database.engines  # noqa: F401 - it silences a logger

    lines: list[str] = []
    listener = _Listener(lines)
    # What libraries of the client and of this test write is not the server's.
    client = ("httpx", "httpcore", "faker", "hypothesis")
    known = [logging.getLogger(), *(logging.getLogger(name) for name in list(logging.root.manager.loggerDict))]
    before = [(logger, logger.level, logger.propagate) for logger in known]
    # At DEBUG they log the values of statements and rows. They have levels of their own, whatever the root logger's is: the store
    # sets the one, and SQLAlchemy the other.
    silenced = ("aiosqlite", "sqlalchemy")
    assert all(logging.getLogger(name).level >= logging.INFO for name in silenced)
    for logger in known:
        if logger.name.partition(".")[0] not in silenced:
            logger.setLevel(logging.CRITICAL if logger.name.partition(".")[0] in client else logging.DEBUG)
            logger.propagate = True
    logging.getLogger().addHandler(listener)
    yield lines
    logging.getLogger().removeHandler(listener)
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate


@pytest.fixture
async def watched(
    settings: Settings, engine: FakeEngine, encoder: WordEncoder, few_prompts: None, logs: list[str]
) -> AsyncIterator[Watched]:
    app = create_app(settings, opener(engine), lambda _: encoder)
    async with app.router.lifespan_context(app):
        service = app.state.service
        await service.settled()
        async with service.database.write() as session:
            keys = {role: (await Keys().create(session, role, role, utc_now()))[1] for role in ("client", "auditor", "admin")}
            spare, _ = await Keys().create(session, "client", "spare", utc_now())
        service.authenticator.changed()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            made = Watched(app, client, engine, encoder, settings.data_dir, logs, keys, spare.id)
            assert (await made.send("POST", TARGETS, TARGET)).status_code == 201
            yield made


async def everything(watched: Watched) -> None:
    """Call every route in every way: as each role and without a key, with good bodies and broken ones."""
    for (method, path), requests in SUCCEEDING.items():
        for sent, body in requests:
            answer = await watched.send(method, sent, body)
            assert answer.status_code < 300, (method, sent, answer.text)
        where = requests[0][0] if requests else path.replace("{id}", PROMPT)
        for role in ("client", "auditor", None):
            if role is None or method == "GET":
                await watched.send(method, where, None, role)
        for broken in BROKEN:
            await watched.send(method, where, broken)
            await watched.send(method, where, broken, "client")
        await watched.send(method, f"{where}?limit={PROMPT}&cursor={PROMPT}&{PROMPT}={PHRASE}", None)
        await watched.send(method, where, None, **{"content-type": PROMPT, "if-match": PROMPT, "x-request-id": "plain"})
        await watched.send("PUT", where, ASKED)
        if "{" in path:
            await watched.send(method, path.replace("{id:path}", PROMPT).replace("{id}", PROMPT), {"name": NAME})
    await watched.send("DELETE", f"/v1/keys/{watched.spare}", None)
    await watched.send("GET", f"/{PROMPT}", None)
    await watched.send("GET", "/v1/models", None, None, authorization=f"Bearer {PROMPT}")


async def failing(watched: Watched) -> None:
    """Have every part behind the routes fail with an exception that quotes what it worked on."""

    async def raises(*_: Any, **__: Any) -> Any:
        raise RuntimeError(ASKED, watched.keys["client"])

    watched.encoder.fails = True
    for path, body in (
        ("/v1/chat/completions", MESSAGES),
        ("/v1/screen", {"text": f"{ASKED} again"}),
        (TARGETS, {**MADE, "id": "x"}),
    ):
        await watched.send("POST", path, body)
    watched.encoder.fails = False
    plain = {"model": "fake", "messages": [{"role": "user", "content": f"{PROMPT} cake"}]}
    for name in ("_answer", "load", "suppressed"):
        original = getattr(watched.engine, name)
        setattr(watched.engine, name, raises)
        await watched.send("POST", "/v1/chat/completions", plain)
        await watched.send("POST", "/v1/chat/completions", {**plain, "stream": True})
        await watched.send("PATCH", f"{TARGETS}/marked", {"phrases": [{"text": f"{PHRASE} {name}"}]})
        setattr(watched.engine, name, original)
    database = watched.app.state.service.database
    write = database.write

    def broken() -> Any:
        raise RuntimeError(ASKED, watched.keys["client"])

    database.write = broken
    for method, path, body in (("POST", TARGETS, {**MADE, "id": "y"}), ("POST", "/v1/keys", {"role": "client", "name": NAME})):
        await watched.send(method, path, body)
    database.write = write


async def test_every_route_has_a_request_with_marks(app: FastAPI) -> None:
    assert routes(app) == set(SUCCEEDING)


async def test_a_front_end_of_a_fleet_has_routes_for_engines_besides_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    fleet = {"upstream": "http://router", "tokenizer": "t", "engine_token_file": tmp_path / "token"}
    assert routes(create_app(Settings(model="m", **fleet))) == {*SUCCEEDING, *FLEET}


@pytest.mark.slow
async def test_nothing_secret_is_written_where_it_does_not_belong(watched: Watched, tmp_path: Path) -> None:
    await everything(watched)
    await failing(watched)
    statuses = {answer.status_code for answer in watched.answers}
    assert {200, 201, 400, 401, 403, 404, 405, 415, 500} <= statuses, statuses
    # The watch itself works.
    logging.getLogger("server.test").debug("it says %s", PHRASE)
    assert watched.found(watched.logs.pop())
    assert [line for line in watched.logs if watched.found(line)] == []
    metrics = await watched.send("GET", "/metrics", None, "auditor")
    assert metrics.status_code == 200
    assert watched.found(metrics.text) == []
    for answer in watched.answers:
        headers = {name: value for name, value in answer.headers.items() if watched.found(value)}
        assert set(headers) <= {"location"}, (answer.request.url.path, headers)
        if answer.status_code >= 500:
            assert watched.found(answer.text) == [], answer.text
    with (tmp_path / "crash").open("w+") as crash:
        faulthandler.dump_traceback(crash, all_threads=True)
        crash.seek(0)
        assert watched.found(crash.read()) == []
    assert_files(watched)
    await assert_a_client_learns_nothing(watched)


def assert_files(watched: Watched) -> None:
    """Fail if a file of the data folder has what it must not have, or somebody else may read one that has secrets."""
    kinds: dict[str, set[str]] = {}
    for file in watched.data_dir.rglob("*"):
        if not file.is_file():
            continue
        found = set(watched.found(file.read_bytes().decode("latin-1")))
        if found:
            kinds.setdefault("store" if file.name.startswith("guard.db") else file.suffix, set()).update(found)
            assert file.stat().st_mode & 0o077 == 0, f"others may read {file.name}, which has {found}"
    # Names and phrases are what the store and the restrictions are for. No prompt and no key is in either.
    assert kinds.keys() <= {"store", ".safetensors"}, kinds
    for kind, found in kinds.items():
        assert not found - set(WORDS[:4]), (kind, found)


async def assert_a_client_learns_nothing(watched: Watched) -> None:
    """Its own requests have no marks, so no answer to it has one, nor to somebody without a key."""
    watched.answers.clear()
    plain = {"model": "fake", "messages": [{"role": "user", "content": "What is a good cake?"}]}
    for method, path in SUCCEEDING:
        where = path.replace("{id:path}", "marked").replace("{id}", "marked")
        for role in ("client", None):
            for body in (None, plain, {"text": "cake"}, {"input": "cake"}, "{"):
                await watched.send(method, where, body, role)
    for answer in watched.answers:
        told = f"{answer.text} {dict(answer.headers)}"
        assert watched.found(told) == [], (answer.request.method, answer.request.url.path, answer.status_code, told[:300])
