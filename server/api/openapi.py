"""The API's description, as OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.api.bodies import COMPONENTS
from server.api.keys import KeyRequest
from server.api.models import PreviewRequest, TargetRequest
from server.api.screen import ModerationRequest, ScreenRequest

_BODIES: tuple[type[BaseModel], ...] = (TargetRequest, PreviewRequest, ScreenRequest, ModerationRequest, KeyRequest)


def document(app: FastAPI) -> dict[str, Any]:
    """Return the description of all documented routes of `app`, with the schemas of bodies that the strict parser reads."""
    described = app.openapi()
    _, found = models_json_schema([(model, "validation") for model in _BODIES], ref_template=COMPONENTS)
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in found["$defs"].items():
        schemas.setdefault(name, schema)
    return described
