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


def document(app: FastAPI, dialects: Iterable[Dialect] = (), *, drops: bool = False) -> dict[str, Any]:
    """Return the description of all documented routes of `app` and of the routes of `dialects`, which generate.

    The description has the schemas of the bodies that the strict parser reads. `drops`: as `components` takes it.
    """
    described = app.openapi()
    _, found = models_json_schema([(model, "validation") for model in _BODIES], ref_template=COMPONENTS)
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)
    for dialect in dialects:
        if isinstance(dialect, Messages):
            described["paths"][dialect.path] = {"post": anthropic.operation(dialect)}
            schemas.update(anthropic.components(dialect, drops=drops))
        else:
            described["paths"][dialect.path] = {"post": operation(dialect)}
            schemas.update(components(dialect, drops=drops))
    return described
