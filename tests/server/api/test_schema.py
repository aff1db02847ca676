"""The API keeps to its own description, whatever is sent (schemathesis), and describes all of itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from server.api import document
from server.api.context import ApiContext
from server.body import BodyLimits
from server.errors import NotReady
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.api.conftest import StubbornEngine, application, behind


def starting() -> ApiContext:
    raise NotReady("starting")


DOCUMENT = document(application(starting))
schema = schemathesis.openapi.from_dict(DOCUMENT)
BODIES = ("TargetRequest", "PreviewRequest", "ScreenRequest", "ModerationRequest", "KeyRequest")


# A schema cannot say everything: that a name is not of punctuation alone, that an id is free, or that a file is YAML. And query
# parameters that nobody knows are passed over, as HTTP servers do.
BEYOND = [positive_data_acceptance, negative_data_rejection]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of an API that is really served, and an admin's key."""
    folder = tmp_path_factory.mktemp("served")
    contexts: list[ApiContext] = []
    keys: list[str] = []
    server = uvicorn.Server(uvicorn.Config(application(lambda: contexts[0]), host="127.0.0.1", port=0, log_level="error"))

    async def serve() -> None:
        async with behind(f"sqlite:///{folder}/store.db", folder, StubbornEngine()) as context:
            async with context.database.write() as session:
                keys.append((await Keys().create(session, "admin", "tests", utc_now()))[1])
            contexts.append(replace(context, limits=BodyLimits()))
            await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", keys[0]
    server.should_exit = True
    thread.join(30)


@schema.parametrize()
@pytest.mark.filterwarnings("ignore:Skipped test cases with unsupported payload media types")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_request_breaks_the_server_and_every_answer_is_as_described(case: Any, served: tuple[str, str]) -> None:
    url, key = served
    response = case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {key}"}, excluded_checks=BEYOND)
    assert response.status_code < 500, (response.status_code, response.text)


def test_every_route_is_described_with_a_key_and_the_shape_of_its_errors() -> None:
    operations = [(path, operation) for path, methods in DOCUMENT["paths"].items() for operation in methods.values()]
    assert len(operations) == 19
    for path, operation in operations:
        assert operation["security"] == [{"HTTPBearer": []}], path
        assert operation["summary"], path
        assert operation["tags"], path
        error = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert error == {"$ref": "#/components/schemas/ErrorEnvelope"}
        assert "422" not in operation["responses"]


def test_the_bodies_of_the_strict_parser_are_described() -> None:
    create = DOCUMENT["paths"]["/v1/forget-targets"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert create == {"$ref": "#/components/schemas/TargetRequest"}
    for name in BODIES:
        described = {**DOCUMENT["components"]["schemas"][name], "components": DOCUMENT["components"]}
        Draft202012Validator.check_schema(described)
        assert described["additionalProperties"] is False
    target = {**DOCUMENT["components"]["schemas"]["TargetRequest"], "components": DOCUMENT["components"]}
    validator = Draft202012Validator(target)
    assert validator.is_valid({"name": "Mad Hatter", "phrases": [{"text": "tea", "penalty": None}]})
    assert not validator.is_valid({"name": "Mad Hatter", "phrases": ["tea"]})
    assert not validator.is_valid({"id": "x"})
