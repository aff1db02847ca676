"""The API's description, as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.anthropic import description as anthropic
from server.anthropic.dialect import Messages
from server.api.bodies import COMPONENTS
from server.api.keys import KeyRequest
from server.api.models import PreviewRequest, TargetRequest
from server.api.screen import ModerationRequest, ScreenRequest
from server.openai.description import components, operation
from server.openai.dialect import Dialect

_BODIES: tuple[type[BaseModel], ...] = (TargetRequest, PreviewRequest, ScreenRequest, ModerationRequest, KeyRequest)

_ABOUT = (
    "The OpenAI API in front of a language model that is kept from saying what it must forget. A client sends its key as "
    "`Authorization: Bearer <key>` or as `x-api-key`. Every error has OpenAI's envelope, or below /v1/messages Anthropic's."
)
_TAGS = {
    "generation": "Answers under the guard: any client with a key",
    "models": "The models that are served",
    "forget targets": "What the model must forget: auditors read, admins change",
    "screening": "The decision about a text, without generation",
    "policy": "What is in force",
    "audit": "The log of decisions and changes",
    "keys": "API keys: admins alone",
    "operation": "For whoever runs the server",
}
"""What each group of routes is, in the order in which a page shows them."""


def document(app: FastAPI, dialects: Iterable[Dialect] = (), *, drops: bool = False) -> dict[str, Any]:
    """Return the description of all documented routes of `app` and of the routes of `dialects`, which generate.

    The description has the schemas of the bodies that the strict parser reads. `drops`: as `components` takes it.
    """
    described = app.openapi()
    _, found = models_json_schema([(model, "validation") for model in _BODIES], ref_template=COMPONENTS)
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)
    generating = {}
    for dialect in dialects:
        if isinstance(dialect, Messages):
            generating[dialect.path] = {"post": anthropic.operation(dialect)}
            schemas.update(anthropic.components(dialect, drops=drops))
        else:
            generating[dialect.path] = {"post": operation(dialect)}
            schemas.update(components(dialect, drops=drops))
    # The order is that in which a page shows them.
    paths = generating | {path: methods for path, methods in described["paths"].items() if path not in generating}
    info = {**described["info"], "description": _ABOUT}
    return {
        **described,
        "info": info,
        "tags": [{"name": name, "description": what} for name, what in _TAGS.items()],
        "paths": paths,
    }
