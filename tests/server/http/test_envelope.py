"""Every error that leaves an application has OpenAI's envelope, and none tells more than it should."""

import logging
from collections.abc import Mapping
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Message, Scope

from server.errors import BadRequest, EngineFailure, GuardFailure, NotReady, ServerError
from server.http import envelope

SECRET = "Ada Byron lived in Kirkby"


class Item(BaseModel):
    count: int


async def chunks() -> Any:
    yield b"first"
    raise ValueError(SECRET)


def application() -> FastAPI:
    app = FastAPI()
    raised: dict[str, Exception] = {
        "bad": BadRequest("`n` is wrong", param="n", code="invalid_value"),
        "ready": NotReady("starting", headers={"Retry-After": "5"}),
        "guard": GuardFailure("screening failed"),
        "http": HTTPException(403, "no"),
        "teapot": HTTPException(418),
        "bug": ValueError(SECRET),
        "gone": ClientDisconnect(),
    }

    @app.get("/raise/{name}")
    async def _(name: str) -> None:
        raise raised[name]

    @app.post("/item")
    async def _(item: Item) -> int:
        return item.count

    @app.get("/stream")
    async def _() -> StreamingResponse:
        return StreamingResponse(chunks())

    envelope.install(app)
    return app


async def call(method: str, path: str, **more: Any) -> httpx.Response:
    # raise_app_exceptions is on: an exception that passes the boundary fails the test, as it would reach the server's log.
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url="http://test") as client:
        return await client.request(method, path, **more)


def request(method: str, path: str, **more: Any) -> httpx.Response:
    return anyio.run(lambda: call(method, path, **more))


ROUTES = "GET /docs, GET /docs/oauth2-redirect, POST /item, GET /openapi.json, GET /redoc, GET /stream"
CASES = [
    ("GET", "/raise/bad", 400, "invalid_request_error", "n", "invalid_value", "`n` is wrong"),
    ("GET", "/raise/ready", 503, "server_error", None, "not_ready", "starting"),
    ("GET", "/raise/guard", 500, "server_error", None, "guard_failure", "screening failed"),
    ("GET", "/raise/http", 403, "invalid_request_error", None, "insufficient_permissions", "no"),
    ("GET", "/raise/teapot", 418, "invalid_request_error", None, None, "I'm a Teapot"),
    ("GET", "/raise/bug", 500, "server_error", None, "internal_error", "The server failed to handle the request."),
    ("GET", "/nowhere", 404, "invalid_request_error", None, "not_found", f"There is no such route. The server has {ROUTES}."),
    (
        "PUT",
        "/item",
        405,
        "invalid_request_error",
        None,
        "method_not_allowed",
        "This route does not take this method. It takes POST.",
    ),
]


@pytest.mark.parametrize(("method", "path", "status", "kind", "param", "code", "message"), CASES)
def test_envelope(method: str, path: str, status: int, kind: str, param: str | None, code: str | None, message: str) -> None:
    response = request(method, path)
    assert response.status_code == status
    assert response.json() == {"error": {"message": message, "type": kind, "param": param, "code": code}}


def test_headers_are_kept() -> None:
    assert request("GET", "/raise/ready").headers["retry-after"] == "5"
    assert request("PUT", "/item").headers["allow"] == "POST"


def test_validation_names_the_place_and_not_the_input() -> None:
    response = request("POST", "/item", json={"count": SECRET})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "count"
    assert SECRET not in response.text


def test_unexpected_exceptions_are_logged_by_type_and_place_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        response = request("GET", "/raise/bug")
    assert "ValueError" in caplog.text
    assert "test_envelope.py" in caplog.text
    assert SECRET not in caplog.text + response.text


def test_pydantic_errors_inside_the_server_are_unexpected(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValidationError) as caught:
        Item.model_validate({"count": SECRET})
    answer = envelope.to_server_error(caught.value)
    assert (answer.status, answer.code) == (500, "internal_error")
    assert SECRET not in answer.message


def test_failure_within_a_stream_breaks_the_connection_without_the_message(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(EngineFailure) as caught:
        request("GET", "/stream")
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None
    assert SECRET not in caplog.text


def test_a_client_that_left_gets_nothing() -> None:
    sent: list[Message] = []

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Scope = {"type": "http", "method": "GET", "path": "/raise/gone", "headers": [], "query_string": b"", "app": None}
        await application()(scope, receive, send)

    anyio.run(run)
    assert sent == []


def test_any_status_can_be_given() -> None:
    error = ServerError("busy", status=429, type="rate_limit_error", code="queue_full")
    response = envelope.respond(error)
    assert response.status_code == 429
    assert envelope.envelope(error)["error"]["code"] == "queue_full"


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(status: int) -> None:
    assert envelope.respond(HTTPException(status)).body == b""


# Errors as vLLM 0.32 writes them.
OF_VLLM: list[tuple[str, int, dict[str, Any], tuple[str, str | None, str | None]]] = [
    (
        "clients-6 no such model",
        404,
        {"message": "The model `gpt-4o` does not exist.", "type": "NotFoundError", "param": "model", "code": 404},
        ("The model `gpt-4o` does not exist.", "model", "model_not_found"),
    ),
    (
        "clients-6 a value out of range",
        400,
        {
            "message": "temperature must be non-negative, got -1.0. (parameter=temperature, value=-1.0)",
            "type": "BadRequestError",
            "param": "temperature",
            "code": 400,
        },
        ("temperature must be non-negative, got -1.0.", "temperature", "invalid_value"),
    ),
    (
        "clients-6 a wrong type",
        400,
        {
            "message": "1 validation error:\n  {'type': 'float_parsing', 'loc': 'body.temperature', 'msg': 'Input should be a "
            f"valid number, unable to parse string as a number', 'input': '{SECRET}'}}",
            "type": "Bad Request",
            "param": "body.temperature",
            "code": 400,
        },
        (
            "temperature: Input should be a valid number, unable to parse string as a number",
            "temperature",
            "invalid_value",
        ),
    ),
    (
        "a mistake in a list",
        400,
        {
            "message": "2 validation errors:\n  {'type': 'value_error', 'loc': 'body.messages.0.content', 'msg': "
            f"\"Value error, it isn't text\", 'input': '{SECRET}', 'ctx': {{}}}}\n  {{'type': 'x'}}",
            "param": "body.messages.0.content",
            "code": 400,
        },
        ("messages[0].content: it isn't text", "messages[0].content", "invalid_value"),
    ),
    (
        "a mistake that cannot be read",
        400,
        {"message": f"1 validation error:\n  {SECRET}", "param": None, "code": 400},
        ("not valid", None, None),
    ),
    (
        "clients-7 langchain context overflow",
        400,
        {
            "message": "This model's maximum context length is 2048 tokens. However, your prompt contains 6000 input tokens. "
            "(parameter=input_tokens, value=6000)",
            "type": "BadRequestError",
            "param": "input_tokens",
            "code": 400,
        },
        (
            "This model's maximum context length is 2048 tokens. However, your prompt contains 6000 input tokens.",
            "messages",
            "context_length_exceeded",
        ),
    ),
    (
        "clients-8 a schema",
        400,
        {"message": 'Failed to transform it: [11:18:18] <path>:4944: Unsupported type "strin"', "param": None, "code": 400},
        ('Failed to transform it: Unsupported type "strin"', None, None),
    ),
    (
        "clients-7 a prompt that fills the context",
        400,
        {
            "message": "max_tokens must be at least 1, got 0. (parameter=max_tokens, value=0)",
            "param": "max_tokens",
            "code": 400,
        },
        (
            "The messages fill this model's maximum context length and leave no room for an answer: shorten them.",
            "messages",
            "context_length_exceeded",
        ),
    ),
    ("no field", 400, {"message": "No.", "type": "BadRequestError", "param": None, "code": 400}, ("No.", None, None)),
    ("no message", 422, {}, ("Unprocessable Entity", None, None)),
]


@pytest.mark.parametrize(("status", "error", "told"), [case[1:] for case in OF_VLLM], ids=[case[0] for case in OF_VLLM])
def test_errors_of_vllm(status: int, error: Mapping[str, Any], told: tuple[str, str | None, str | None]) -> None:
    known = envelope.of_engine(status, error, "messages")
    assert (known.message, known.param, known.code) == told
    assert (known.status, known.type) == (status, "invalid_request_error")


def test_an_error_of_vllm_that_is_no_client_s() -> None:
    known = envelope.of_engine(500, {"message": "Internal server error", "type": "InternalServerError", "code": 500}, "prompt")
    assert envelope.envelope(known)["error"] == {
        "message": "Internal server error",
        "type": "server_error",
        "param": None,
        "code": "engine_failure",
    }
    assert envelope.of_engine(429, {"message": "Too many."}, "prompt").type == "requests"


async def test_a_path_may_have_an_envelope_of_its_own_for_all_that_goes_wrong_below_it() -> None:
    app = application()
    envelope.install(app, {"/raise": lambda error: {"told": error.code}})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        for path, told in (("/raise/bad", "invalid_value"), ("/raise/bug", "internal_error"), ("/raise/x/y", "not_found")):
            assert (await client.get(path)).json() == {"told": told}
        assert (await client.post("/raise/bad")).json() == {"told": "method_not_allowed"}
        for path in ("/raised", "/nowhere"):
            assert (await client.get(path)).json()["error"]["code"] == "not_found"
