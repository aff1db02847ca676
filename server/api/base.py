"""What all models of the API have in common, and the model of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class ApiModel(BaseModel):
    """A model of the API. It refuses unknown fields, and its errors do not quote what was sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, serialize_by_alias=True)


class ErrorBody(ApiModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorEnvelope(ApiModel):
    """An error, in the shape of OpenAI's API."""

    error: ErrorBody


ERRORS: Mapping[int | str, dict[str, Any]] = {"default": {"model": ErrorEnvelope, "description": "An error"}}
"""The error answer that every route documents."""
