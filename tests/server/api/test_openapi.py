"""The API's description names every route and every body."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from server.api import document
from server.api.failures import ApiRoute
from server.app import DIALECTS
from server.errors import NotReady
from server.running import ApiContext
from tests.server.api.conftest import application


def starting() -> ApiContext:
    raise NotReady("starting")


DOCUMENT = document(application(starting))

BODIES = ("TargetRequest", "PreviewRequest", "ScreenRequest", "ModerationRequest", "KeyRequest")


def test_every_route_is_described_with_a_key_and_the_shape_of_its_errors() -> None:
    described = {
        (method.upper(), path): operation for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
    }
    routes = [route for route in application(starting).routes if isinstance(route, ApiRoute)]
    assert set(described) == {(method, route.path) for route in routes for method in route.methods}
    assert len(described) == len(routes)
    for (_, path), operation in described.items():
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


def test_every_group_of_routes_is_told_and_those_that_generate_come_first() -> None:
    described = document(application(starting), DIALECTS)
    tags = [tag["name"] for tag in described["tags"]]
    assert tags[0] == "generation"
    used = {tag for methods in described["paths"].values() for operation in methods.values() for tag in operation["tags"]}
    assert used <= set(tags)
    assert list(described["paths"])[: len(DIALECTS)] == [dialect.path for dialect in DIALECTS]
    assert described["info"]["description"]
