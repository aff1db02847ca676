"""The API keeps to its own description, whatever is sent (schemathesis), and describes all of itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import negative_data_rejection, positive_data_acceptance

from server.api import document
from server.errors import NotReady
from server.running import ApiContext
from server.store.columns import utc_now
from server.store.keys import Keys
from tests.server.api.conftest import StubbornEngine, application, listening


def starting() -> ApiContext:
    raise NotReady("starting")


DOCUMENT = document(application(starting))
schema = schemathesis.openapi.from_dict(DOCUMENT)


# A schema cannot say everything: that a name is not of punctuation alone, that an id is free, or that a file is YAML. And query
# parameters that nobody knows are passed over, as HTTP servers do.
BEYOND = [positive_data_acceptance, negative_data_rejection]


@schemathesis.serializer("application/jsonl", "application/x-ndjson")
def _as_it_is(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@dataclass(frozen=True)
class Running:
    """An API that is really served."""

    url: str
    headers: dict[str, str]
    key_id: str
    """A key that may be revoked: nobody uses it."""

    def call(self, case: Any) -> requests.Response:
        """Send a request, and see that the answer is one of those that are described, and that the server is not to blame."""
        response: requests.Response = case.call_and_validate(base_url=self.url, headers=self.headers, excluded_checks=BEYOND)
        assert response.status_code < 500, (response.status_code, response.text)
        return response

    def target(self) -> str:
        """Return the id of a target that is there."""
        body = {"id": "hatter", "name": "Mad Hatter", "examples": [{"prompt": "Who pours?", "completion": "He."}]}
        made = requests.post(f"{self.url}/v1/forget-targets", json=body, headers=self.headers, timeout=30)
        assert made.status_code in (201, 409), made.text
        return "hatter"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with listening(tmp_path_factory.mktemp("served"), StubbornEngine()) as (url, context, loop):

        async def keys() -> tuple[str, str]:
            async with context.database.write() as session:
                _, text = await Keys().create(session, "admin", "tests", utc_now())
                spare, _ = await Keys().create(session, "client", "spare", utc_now())
            return text, spare.id

        text, spare = asyncio.run_coroutine_threadsafe(keys(), loop).result()
        yield Running(url, {"Authorization": f"Bearer {text}"}, spare)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_request_breaks_the_server_and_every_answer_is_as_described(case: Any, served: Running) -> None:
    served.call(case)
    # An id that was made up leads nowhere. The same once more, with one that is there.
    if "id" in case.path_parameters:
        case.path_parameters = {"id": served.key_id if case.operation.path.startswith("/v1/keys") else served.target()}
        served.call(case)


CREATE = schema["/v1/forget-targets"]["POST"]
IMPORT = schema["/v1/forget-targets:import"]["POST"]
UNKNOWN_TO_POLICIES = ("labels", "requester", "legal_basis", "expires_at", "retain_examples")


@pytest.mark.slow
@pytest.mark.parametrize("media", ["application/jsonl", "application/yaml"])
def test_no_import_breaks_the_server_and_some_succeed(served: Running, media: str) -> None:
    answers: set[int] = set()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(CREATE.as_strategy(), max_size=3), st.booleans())
    def imported(cases: list[Any], dry_run: bool) -> None:
        targets = [case.body | {"id": f"t{number}"} for number, case in enumerate(cases) if isinstance(case.body, dict)]
        if media == "application/yaml":
            known = [{name: value for name, value in t.items() if name not in UNKNOWN_TO_POLICIES} for t in targets]
            text = yaml.safe_dump({"version": 1, "targets": known}, allow_unicode=True)
        else:
            text = "".join(json.dumps(target) + "\n" for target in targets)
        query = {"dry_run": str(dry_run).lower()}
        answers.add(served.call(IMPORT.Case(body=text.encode(), media_type=media, query=query)).status_code)

    imported()
    assert {200, 400} <= answers  # a schema cannot say all that a target must be
